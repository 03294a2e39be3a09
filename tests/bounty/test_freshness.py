"""Fresh means fresh: rows on both sides of the seal, units on both sides, and who vouches for the rest."""

import stat

import numpy as np
import pyarrow as pa
import pytest

from evenhand.bounty import Bounty, DirectRunner, Rules, create_bounty, verify, write_submission
from evenhand.bounty.task.twins import find_twins
from evenhand.errors import InputError


def noise(rows, rng):
    """Measurements with labels that nothing tells."""
    return pa.table(
        {
            "x": rng.random(rows).astype(np.float32).astype(float),
            "y": np.where(rng.random(rows) < 0.5, "b", "a"),
        }
    )


def begin(place, *, train, practice, sealed, label="y", base="a", **more):
    return create_bounty(
        place,
        train=train,
        practice=practice,
        sealed=sealed,
        label=label,
        base={"constant": base},
        seed=3,
        runner=DirectRunner(),
        **more,
    )


@pytest.mark.parametrize("share", [0.01, 0.05, 0.2, 0.49, 1.0])
@pytest.mark.parametrize("where", ["train", "practice"])
def test_sealed_rows_that_stand_in_a_public_table_are_refused_and_named(tmp_path, share, where):
    rng = np.random.default_rng(1)
    sealed = noise(4_000, rng)
    tables = {"train": noise(2_000, rng), "practice": noise(4_000, rng)}
    copied = sealed.slice(0, int(share * 4_000))
    tables[where] = pa.concat_tables([tables[where], copied])
    first = tables[where].num_rows - copied.num_rows + 1
    with pytest.raises(InputError, match=f"{where} row {first} is sealed row 1;"):
        begin(tmp_path / "b", sealed=sealed, **tables)
    assert not (tmp_path / "b").exists()


def test_a_handful_of_copies_among_many_rows_is_seen():
    rng = np.random.default_rng(2)
    sealed, public = rng.random((30_000, 3)), rng.random((3_000, 3))
    public[:6] = sealed[:6]
    matrix, other = sealed.astype(np.float32), public.astype(np.float32)
    found = find_twins([("practice", other, np.zeros(3_000, int))], (matrix, np.zeros(30_000, int)))
    assert (found.rows, found.excess) == (6, True)


@pytest.mark.parametrize("values", [3, 40, 1_000, 100_000])
def test_independent_draws_are_hardly_ever_called_copied(values):
    """Tables of few different rows have thousands of twins, and those of many have none."""
    runs, called = 300, 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        # Some rows are far more frequent than others, as those of people are.
        popular = rng.zipf(1.3, 10_000) % values
        tables = [rng.choice(popular, size).astype(np.float32)[:, None] for size in (600, 300, 900)]
        labels = [(rng.random(len(table)) < 0.3).astype(int) for table in tables]
        named = list(zip(("train", "practice"), tables[:2], labels[:2], strict=True))
        called += find_twins(named, (tables[2], labels[2])).excess
    assert called / runs <= 0.01 + 3 * np.sqrt(0.01 * 0.99 / runs)


def test_files_of_sealed_blocks_are_their_owner_s_alone(folder):
    files = list((folder / "sealed").iterdir())
    assert len(files) == 6
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE((folder / "sealed").stat().st_mode) == 0o700


def test_what_the_proof_rests_on_stands_in_the_log_with_who_vouches(tmp_path):
    rng = np.random.default_rng(1)
    tables = {"train": noise(300, rng), "practice": noise(300, rng), "sealed": noise(300, rng)}
    with begin(tmp_path / "b", organiser="Ada Lovelace", **tables) as bounty:
        body = bounty.log.read()[0].body
        assert body["organiser"] == bounty.status().organiser == "Ada Lovelace"
        assert any("has seen a feature or a label" in one for one in body["assumptions"])


# --- Units ---------------------------------------------------------------------------------------


def patients(ids, rows, rng, *, column="patient_id"):
    """So many rows of each patient, whose labels are mostly alike."""
    who = np.repeat(ids, rows)
    own = rng.random(len(ids)) < 0.5
    age = np.repeat(rng.integers(18, 80, len(ids)), rows)
    yes = np.where(rng.random(len(who)) < 0.9, np.repeat(own, rows), rng.random(len(who)) < 0.5)
    return pa.table(
        {
            column: who,
            "age": age,
            "x": rng.normal(size=len(who)),
            "y": np.where(yes, "b", "a"),
        }
    )


def three(rng, rows=5, sizes=(100, 100, 400), **more):
    ids = np.arange(sum(sizes))
    parts = np.split(ids, np.cumsum(sizes)[:-1])
    names = ("train", "practice", "sealed")
    return {
        name: patients(part, rows, rng, **more) for name, part in zip(names, parts, strict=True)
    }


def test_a_column_that_names_patients_must_be_decided_about(tmp_path):
    tables = three(np.random.default_rng(1))
    with pytest.raises(InputError, match=r"'patient_id' has 600 values in 3,000 rows.*'none'"):
        begin(tmp_path / "b", **tables)
    with begin(tmp_path / "c", unit="none", **tables) as bounty:
        assert bounty.task.unit is None
        assert "patient_id" in [feature.name for feature in bounty.task.features]
    with begin(tmp_path / "d", unit="patient_id", **tables) as bounty:
        assert (bounty.task.unit, bounty.task.most) == ("patient_id", 5)
        assert "patient_id" not in [feature.name for feature in bounty.task.features]


def test_a_patient_is_in_one_block_and_its_rows_stay_together(tmp_path):
    tables = three(np.random.default_rng(1))
    with begin(tmp_path / "b", unit="patient_id", rules=Rules(blocks=3), **tables) as bounty:
        seen = []
        for block in range(3):
            ages, drawn = bounty.ledger.features(block)[:, 0], bounty.ledger.drawn(block)
            assert (np.bincount(drawn.unit_of) == 5).all()
            # All rows of a patient have one age.
            assert len({(u, a) for u, a in zip(drawn.unit_of, ages, strict=True)}) == drawn.units
            seen.append(drawn.units)
        assert sum(seen) == 400
        assert [block.units for block in bounty.state.blocks] == seen


@pytest.mark.parametrize("table", ["train", "practice"])
def test_a_patient_on_both_sides_of_the_seal_is_refused_and_named(tmp_path, table):
    tables = three(np.random.default_rng(1))
    ids = np.r_[np.asarray(tables[table]["patient_id"])[:-5], np.full(5, 599)]
    tables[table] = tables[table].set_column(0, "patient_id", [ids])
    with pytest.raises(InputError, match=r"1 of 400 sealed values of 'patient_id'.*: 599"):
        begin(tmp_path / "b", unit="patient_id", **tables)


def test_rows_of_a_larger_sealed_patient_are_left_out_by_lot_and_counted(tmp_path):
    tables = three(np.random.default_rng(1), rows=4)
    more = patients(np.arange(1_000, 1_010), 9, np.random.default_rng(2))
    tables["sealed"] = pa.concat_tables([tables["sealed"], more])
    with begin(tmp_path / "b", unit="patient_id", **tables) as bounty:
        assert bounty.task.most == 4
        assert bounty.thinned == 10 * 5
        for block in range(2):
            assert (np.bincount(bounty.ledger.drawn(block).unit_of) <= 4).all()


def test_a_missing_patient_is_told_and_not_made_one_of_all(tmp_path):
    tables = three(np.random.default_rng(1))
    ids = pa.array([None, *np.asarray(tables["sealed"]["patient_id"])[1:].tolist()])
    tables["sealed"] = tables["sealed"].set_column(0, "patient_id", [ids])
    with pytest.raises(InputError, match="1 rows have no 'patient_id'"):
        begin(tmp_path / "b", unit="patient_id", **tables)


def test_a_bounty_of_patients_goes_its_way_and_is_proven(tmp_path):
    rng = np.random.default_rng(4)
    tables = three(rng, sizes=(200, 300, 1_200))

    def flawed(table):
        old = np.asarray(table["age"]) >= 50
        y = np.where(old & (rng.random(len(old)) < 0.9), "b", np.where(old, "a", table["y"]))
        return table.set_column(3, "y", [y])

    tables = {name: flawed(table) for name, table in tables.items()}
    with begin(tmp_path / "b", unit="patient_id", **tables) as bounty:
        bounty.submit(write_submission(team="ada", group="age >= 50", model={"constant": "b"}))
        (verdict,) = bounty.close_epoch()
        assert verdict.accepted
        certificate = verdict.certificate
        assert (certificate.method, certificate.units) == ("betting", 600)
        assert 0 < certificate.lower_bound < certificate.improvement
        fresh = flawed(patients(np.arange(5_000, 5_400), 5, rng))
        (confirmed,) = bounty.confirm(fresh)
        assert 0 < confirmed.lower_bound < confirmed.improvement
        assert verify(bounty).proven
    with Bounty(tmp_path / "b", runner=DirectRunner()) as again:
        assert verify(again).proven


def test_noise_that_patients_share_is_rejected_where_single_rows_would_prove_it(tmp_path):
    """Ten rows a patient, all alike: the best of many groups is accepted only where rows are taken for drawn."""
    accepted = {}
    for unit in ("none", "patient_id"):
        rng, accepted[unit] = np.random.default_rng(7), 0
        for world in range(6):
            tables = three(rng, rows=10, sizes=(60, 60, 120))
            rules = Rules(blocks=1)
            with begin(tmp_path / f"{unit}{world}", unit=unit, rules=rules, **tables) as bounty:
                for low in range(20, 70, 5):
                    group = f"age >= {low} AND age < {low + 10}"
                    bounty.submit(
                        write_submission(team="eve", group=group, model={"constant": "b"})
                    )
                for key in bounty.state.pending:
                    if bounty.state.submitted[key].kind == "against":
                        bounty.vouch(key, reason="to see")
                accepted[unit] += sum(verdict.accepted for verdict in bounty.close_epoch())
    assert accepted["none"] > 3
    assert accepted["patient_id"] == 0


# --- What practice rows say ----------------------------------------------------------------------


def test_known_sealed_features_are_flagged_before_they_are_believed(tmp_path):
    """Whoever has the sealed features can be right there and wrong everywhere else: practice rows tell."""

    def draw(rows, rng):
        x = rng.random(rows).astype(np.float32)
        yes = rng.random(rows) < np.where(x < 0.5, 0.7, 0.2)
        return pa.table({"x": x.astype(float), "y": np.where(yes, "b", "a")})

    rng = np.random.default_rng(2)
    with begin(
        tmp_path / "b", train=draw(2_000, rng), practice=draw(2_000, rng), sealed=draw(8_000, rng)
    ) as bounty:
        known = np.unique(bounty.ledger.features(0)[:, 0])
        low = [float(v) for v in known[known < 0.5]]
        high = [float(v) for v in known[known >= 0.5]]
        branch = {"feature": "x", "at_most": 0.4999999}
        group = {
            "tree": {
                **branch,
                "yes": {"feature": "x", "among": low, "yes": True, "no": False},
                "no": {"feature": "x", "among": high, "yes": False, "no": True},
            }
        }
        receipt = bounty.submit(write_submission(team="eve", group=group, model={"constant": "b"}))
        assert receipt.kind == "against"
        with pytest.raises(InputError, match="Vouch"):
            bounty.close_epoch()


def test_a_column_that_float32_blurs_is_told_when_a_bounty_begins_and_refused_where_most_is_lost(
    tmp_path,
):
    rng = np.random.default_rng(1)

    def timed(rows, spread):
        moment = 1_700_000_000 + rng.integers(0, spread, rows)
        return pa.table({"moment": moment, "y": np.where(rng.random(rows) < 0.5, "b", "a")})

    with pytest.raises(InputError, match=r"'moment'.*Subtract its minimum"):
        begin(tmp_path / "b", **{n: timed(900, 20_000) for n in ("train", "practice", "sealed")})
    tables = {n: timed(900, 400_000) for n in ("train", "practice", "sealed")}
    with begin(tmp_path / "c", **tables) as bounty:
        assert "'moment'" in bounty.notes[0]
