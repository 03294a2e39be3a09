"""The rule of each operator that a bounty runs."""

from evenhand.bounty.strangers.arrangements import (
    concat,
    cut,
    flatten,
    gather,
    gather_elements,
    reshape,
    split,
    squeeze,
    transpose,
    unsqueeze,
)
from evenhand.bounty.strangers.elementwise import cast, constant_node, identity, joint
from evenhand.bounty.strangers.graph import BOOL, FLOAT
from evenhand.bounty.strangers.learned import (
    extracted,
    labels,
    learned,
    one_hot,
    plain_table,
    same_table,
    vectorized,
)
from evenhand.bounty.strangers.products import gemm, matmul
from evenhand.bounty.strangers.reductions import arg, batch, normalized, reduce, softmax, top
from evenhand.bounty.strangers.tensor import Rule

_ONE = (
    "Abs Ceil Clip Elu Erf Exp Floor HardSigmoid LeakyRelu Log Neg Not Reciprocal Relu Round Selu "
    "Sigmoid Sign Softplus Sqrt Tanh Add Sub Mul Div Pow PRelu Max Min Mean Sum"
)


_TESTS = "And Or Xor Equal Greater GreaterOrEqual Less LessOrEqual IsInf IsNaN"
_REDUCE = "L1 L2 LogSumExp Max Mean Min Prod Sum SumSquare"
RULES: dict[str, Rule] = {
    **dict.fromkeys(_ONE.split(), joint()),
    **dict.fromkeys(_TESTS.split(), joint(BOOL)),
    **dict.fromkeys([f"Reduce{name}" for name in _REDUCE.split()], reduce),
    "Where": joint(first=1),
    "Cast": cast,
    "Identity": identity,
    "Constant": constant_node,
    "Softmax": softmax,
    "LogSoftmax": softmax,
    "LayerNormalization": normalized,
    "BatchNormalization": batch,
    "ArgMax": arg,
    "ArgMin": arg,
    "TopK": top,
    "Gather": gather,
    "GatherElements": gather_elements,
    "Concat": concat,
    "Slice": cut,
    "Split": split,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
    "Transpose": transpose,
    "Reshape": reshape,
    "Flatten": flatten,
    "Gemm": gemm,
    "MatMul": matmul,
    "ArrayFeatureExtractor": extracted,
    "Binarizer": joint(),
    "FeatureVectorizer": vectorized,
    "Imputer": same_table,
    "LabelEncoder": labels,
    "LinearClassifier": learned(None, FLOAT),
    "LinearRegressor": learned(FLOAT),
    "Normalizer": plain_table,
    "OneHotEncoder": one_hot,
    "Scaler": plain_table,
    "SVMClassifier": learned(None, FLOAT),
    "SVMRegressor": learned(FLOAT),
    "TreeEnsemble": learned(None),
    "TreeEnsembleClassifier": learned(None, FLOAT),
    "TreeEnsembleRegressor": learned(FLOAT),
}
