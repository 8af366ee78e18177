"""Every metric over three batches of weighted samples."""

import keras
import numpy as np

from rules.support import experiment, numbers

SIZE, CLASSES, WIDTH = 8, 4, 4
START = {}


def batch(seed):
    generator = np.random.default_rng(seed)
    chances = np.exp(numbers((SIZE, CLASSES), seed))
    chances = np.round(chances / chances.sum(-1, keepdims=True) * 1024) / 1024
    real = numbers((SIZE, WIDTH), seed + 1)
    return {
        "batch": SIZE, "sample_weight": generator.integers(1, 9, SIZE) / 4,
        "real": real, "real_target": real + numbers((SIZE, WIDTH), seed + 2, 0.5),
        "chances": chances, "class_target": generator.integers(0, CLASSES, SIZE),
        "chance": (1 + 2 * generator.integers(0, 500, (SIZE, 1))) / 1024, "yes_target": generator.integers(0, 2, SIZE),
    }


SETS = [batch(1000 * i) for i in range(3)]
KINDS = {
    "real": ("real", "real_target", f"(x: f32[{WIDTH}]) -> f32[{WIDTH}] {{ x }}", "mse"),
    "classes": ("chances", "class_target", f"(x: f32[{CLASSES}]) -> class[{CLASSES}] {{ x }}",
                "sparse_categorical_crossentropy"),
    "rows": ("chances", "class_target", f"(x: f32[{CLASSES}]) -> f32[{CLASSES}] {{ x }}", "categorical_crossentropy"),
    "yes": ("chance", "yes_target", "(x: f32[1]) -> class[2] { x }", "binary_crossentropy"),
}
BATCHES = []
for _name, (_output, _target, _, _) in KINDS.items():
    for one in SETS:
        target = np.eye(CLASSES)[one[_target]] if _name == "rows" else one[_target]
        BATCHES.append({"batch": SIZE, "x": one[_output], "target": target, "sample_weight": one["sample_weight"]})


def tensor(value):
    return keras.ops.convert_to_tensor(value, keras.config.floatx())


def figure(metric, kind, change=lambda y, p: (y, p)):
    """The metric over all batches. `change` makes targets and outputs what the metric of Keras wants."""
    first = list(KINDS).index(kind) * len(SETS)
    for one in BATCHES[first:first + len(SETS)]:
        y, p = change(one["target"], one["x"])
        y, p = np.asarray(y, float), np.asarray(p, float)
        y = y[:, None] if kind == "yes" else y
        metric.update_state(tensor(y), tensor(p), sample_weight=tensor(one["sample_weight"]))
    return np.asarray(metric.result(), float)


def chosen(y, p):
    """Targets and outputs as rows with a 1 at the class."""
    return np.eye(CLASSES)[y], np.eye(CLASSES)[p.argmax(-1)]


def of_classes(kind, metric):
    """The mean over the classes of a metric of one class."""
    return np.mean([figure(metric(class_id=i), kind, chosen) for i in range(CLASSES)])


def cases():
    of = keras.metrics
    result = []

    def case(kind, figures):
        _, _, network, loss = KINDS[kind]
        first = list(KINDS).index(kind) * len(SETS)
        names, results = [], {}
        for text, value in figures.items():
            name = text.split("(")[0]
            name += f"_{names.count(name)}" if name in names else ""
            names.append(text.split("(")[0])
            results[name] = np.reshape(value, -1)
        result.append({"name": f"of {kind}", "exact": 1e-7,  # Keras adds up and divides in f32 here and there
                       "net": experiment(network, f"loss = {loss} optimizer = sgd metrics = [{', '.join(figures)}]"),
                       "runs": [{"function": "evaluate", "first": first, "last": first + len(SETS)},
                                {"function": "metrics", "first": first, "last": first + 1, "results": results}]})

    dtype = {"dtype": keras.config.floatx()}
    case("real", {
        "mse": figure(of.MeanSquaredError(**dtype), "real"), "mae": figure(of.MeanAbsoluteError(**dtype), "real"),
        "mape": figure(of.MeanAbsolutePercentageError(**dtype), "real"),
        "msle": figure(of.MeanSquaredLogarithmicError(**dtype), "real"),
        "rmse": figure(of.RootMeanSquaredError(**dtype), "real"),
        "root_mean_squared_error": figure(of.RootMeanSquaredError(**dtype), "real"),
        "r2": figure(of.R2Score(**dtype), "real"), "r2_score": figure(of.R2Score(**dtype), "real"),
        "log_cosh": figure(of.LogCoshError(**dtype), "real"),
        "cosine_similarity": -figure(of.CosineSimilarity(**dtype), "real"),  # a loss in netc: minus the cosine
    })
    case("classes", {
        "accuracy": figure(of.SparseCategoricalAccuracy(**dtype), "classes"),
        "sparse_categorical_accuracy": figure(of.SparseCategoricalAccuracy(**dtype), "classes"),
        "top_k(2)": figure(of.SparseTopKCategoricalAccuracy(2, **dtype), "classes"),
        "sparse_top_k_categorical_accuracy(3)": figure(of.SparseTopKCategoricalAccuracy(3, **dtype), "classes"),
        "sparse_categorical_crossentropy": figure(of.SparseCategoricalCrossentropy(**dtype), "classes"),
        "precision": of_classes("classes", lambda **a: of.Precision(**a, **dtype)),
        "precision(average = micro)": figure(of.Precision(**dtype), "classes", chosen),
        "recall": of_classes("classes", lambda **a: of.Recall(**a, **dtype)),
        "recall(average = micro)": figure(of.Recall(**dtype), "classes", chosen),
        "f1": figure(of.F1Score(average="macro", **dtype), "classes", chosen),
        "f1(average = micro)": figure(of.F1Score(average="micro", **dtype), "classes", chosen),
        "f1_score(average = weighted)": figure(of.F1Score(average="weighted", **dtype), "classes", chosen),
        "fbeta_score(beta = 2.0)": figure(of.FBetaScore(average="macro", beta=2.0, **dtype), "classes", chosen),
        "mean_iou": figure(of.MeanIoU(CLASSES, **dtype), "classes", lambda y, p: (y, p.argmax(-1))),
        "confusion_matrix": figure(of.SparseCategoricalAccuracy(**dtype), "classes"),
    })
    case("rows", {
        "accuracy": figure(of.CategoricalAccuracy(**dtype), "rows"),
        "categorical_accuracy": figure(of.CategoricalAccuracy(**dtype), "rows"),
        "top_k_categorical_accuracy(2)": figure(of.TopKCategoricalAccuracy(2, **dtype), "rows"),
        "categorical_crossentropy": figure(of.CategoricalCrossentropy(**dtype), "rows"),
        "categorical_hinge": figure(of.CategoricalHinge(**dtype), "rows"),
        "kl_divergence": figure(of.KLDivergence(**dtype), "rows"),
        "poisson": figure(of.Poisson(**dtype), "rows"),
    })
    case("yes", {
        "accuracy": figure(of.BinaryAccuracy(**dtype), "yes"),
        "binary_accuracy(0.25)": figure(of.BinaryAccuracy(threshold=0.25, **dtype), "yes"),
        "binary_crossentropy": figure(of.BinaryCrossentropy(**dtype), "yes"),
        "precision": figure(of.Precision(**dtype), "yes"),
        "precision(threshold = 0.25)": figure(of.Precision(thresholds=0.25, **dtype), "yes"),
        "recall": figure(of.Recall(**dtype), "yes"),
        "recall(threshold = 0.75)": figure(of.Recall(thresholds=0.75, **dtype), "yes"),
        "f1": figure(of.F1Score(threshold=0.5, **dtype), "yes"),
        "fbeta_score(beta = 0.5)": figure(of.FBetaScore(beta=0.5, threshold=0.5, **dtype), "yes"),
        "auc": figure(of.AUC(**dtype), "yes"), "auc(num_thresholds = 50)": figure(of.AUC(50, **dtype), "yes"),
        "auc(curve = pr)": figure(of.AUC(curve="PR", **dtype), "yes"),
        "auc(num_thresholds = 17, curve = pr)": figure(of.AUC(17, curve="PR", **dtype), "yes"),
    })
    return result
