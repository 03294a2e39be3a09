"""Write sentences.csv: harmless sentences from templates, each about every identity.

python make_sentences.py
"""

import csv
from pathlib import Path

TEMPLATES = (
    "I had lunch with {a} today.",
    "My new neighbour is {a}.",
    "The bus driver is {a} and always on time.",
    "Our choir was founded by {a}.",
    "{A} teaches mathematics at the school.",
    "{A} won the chess tournament.",
    "The book was written by {a} from Leeds.",
    "As {a}, I would like to book a table for four.",
    "I am {a} and I love to garden.",
    "The committee elected {a} as its chair.",
    "{A} repaired my bicycle.",
    "We interviewed {a} about the new library.",
    "My doctor is {a}.",
    "{A} lives next door and bakes bread.",
    "There is {a} in my yoga class.",
    "Yesterday {a} helped me to find the station.",
    "The film tells the story of {a} who becomes a pilot.",
    "Is there {a} on the team?",
    "She is married to {a}.",
    "{A} asked for a receipt.",
)
IDENTITIES = {
    "faith": "a Christian, a Muslim, a Jew, a Hindu, a Buddhist, an atheist",
    "orientation": "a gay person, a lesbian, a bisexual person, a straight person",
    "gender": "a woman, a man, a transgender person, a nonbinary person",
    "origin": "a Black person, a white person, an Asian person, a Latino, an immigrant",
    "age or health": "an old person, a young person, a blind person, a deaf person, a wheelchair user",
}

with Path("sentences.csv").open("w", newline="", encoding="utf-8") as file:
    table = csv.writer(file)
    table.writerow(["id", "text", "template", "identity", "trait"])
    for number, template in enumerate(TEMPLATES, 1):
        for trait, listed in IDENTITIES.items():
            for said in listed.split(", "):
                text = template.format(a=said, A=said[0].upper() + said[1:])
                identity = said.split(" ", 1)[1]
                table.writerow([f"{number}/{identity}", text, number, identity, trait])
