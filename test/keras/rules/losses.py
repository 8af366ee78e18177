"""Every loss, sample by sample, and what it moves the weights of a layer to."""

import jax
import keras
import numpy as np

from rules.support import experiment, numbers

WIDTH, CLASSES, TIME = 4, 4, 6
EXACT = 2e-7  # some of Keras' constants are f32, and the backend's log1p has errors of 1e-7 in f64


def sample(seed):
    """One batch of a single sample: outputs and targets of all kinds."""
    generator = np.random.default_rng(seed)
    probability = (1 + generator.integers(0, 62, WIDTH)) / 64
    shares = generator.integers(1, 9, CLASSES)
    labels = generator.integers(1, CLASSES, int(generator.integers(0, 4)))
    return {
        "batch": 1,
        "real": numbers(WIDTH, seed + 1, 2.0), "real_target": numbers(WIDTH, seed + 2, 2.0),
        "chance": probability, "chance_target": generator.integers(0, 2, WIDTH).astype(float),
        "logits": numbers(CLASSES, seed + 3, 2.0), "shares": shares / 64,
        "row_target": np.eye(CLASSES)[generator.integers(0, CLASSES)], "share_target": np.roll(shares, 1) / 64,
        "class_target": generator.integers(0, CLASSES, 1),
        "times": numbers((TIME, CLASSES), seed + 4, 2.0), "labels": np.pad(labels, (0, TIME - len(labels))),
    }


SAMPLES = [sample(100 * i) for i in range(5)]
SAMPLES[0]["real"] = SAMPLES[0]["real_target"].copy()  # no error at all: where kinks are
START = {"dense.kernel": np.zeros((WIDTH, WIDTH)), "dense.bias": np.zeros(WIDTH)}
BATCHES = []  # one after the other for each kind of loss, see cases()

# Which of a sample's values a kind of loss compares, and the network that hands them on.
KINDS = {
    "real": ("real", "real_target", f"(x: f32[{WIDTH}]) -> f32[{WIDTH}] {{ x }}"),
    "chance": ("chance", "chance_target", f"(x: f32[{WIDTH}]) -> f32[{WIDTH}] {{ x }}"),
    "logit": ("real", "chance_target", f"(x: f32[{WIDTH}]) -> f32[{WIDTH}] {{ x }}"),
    "class logits": ("logits", "class_target", f"(x: f32[{CLASSES}]) -> class[{CLASSES}] {{ x }}"),
    "class shares": ("shares", "class_target", f"(x: f32[{CLASSES}]) -> class[{CLASSES}] {{ x }}"),
    "row logits": ("logits", "row_target", f"(x: f32[{CLASSES}]) -> f32[{CLASSES}] {{ x }}"),
    "row shares": ("shares", "share_target", f"(x: f32[{CLASSES}]) -> f32[{CLASSES}] {{ x }}"),
    "times": ("times", "labels", f"(x: f32[{TIME}, {CLASSES}]) -> class[{CLASSES}] {{ x }}"),
}
for _output, _target, _ in KINDS.values():
    BATCHES += [{"batch": 1, "x": one[_output], "target": one[_target]} for one in SAMPLES]


def tensor(value):
    integer = np.issubdtype(value.dtype, np.integer)
    return keras.ops.convert_to_tensor(value[None], "int32" if integer else keras.config.floatx())


def cases():
    of = keras.losses
    result = []

    def case(kind, text, loss):
        output, target, network = KINDS[kind]
        first = list(KINDS).index(kind) * len(SAMPLES)
        values = []
        for one in SAMPLES:
            wanted = tensor(one[target])
            values.append(np.reshape(loss(wanted[:, 0] if target == "class_target" else wanted, tensor(one[output])), 1))
        result.append({"name": f"{text} of {kind}", "exact": EXACT,
                       "net": experiment(network, f"loss = {text} metrics = [] optimizer = sgd"),
                       "runs": [{"function": "evaluate", "first": first, "last": first + len(SAMPLES),
                                 "series": {"loss_sum": values}}]})

    for text, loss in {
            "mse": of.mean_squared_error, "mean_squared_error": of.mean_squared_error, "mae": of.mean_absolute_error,
            "mean_absolute_error": of.mean_absolute_error, "mape": of.mean_absolute_percentage_error,
            "msle": of.mean_squared_logarithmic_error, "huber": of.huber,
            "huber(0.5)": lambda y, p: of.huber(y, p, delta=0.5), "log_cosh": of.log_cosh,
            "cosine_similarity": of.cosine_similarity}.items():
        case("real", text, loss)
    for text, loss in {"poisson": of.poisson, "dice": of.Dice(axis=-1, reduction=None),
                       "tversky(0.25, 0.75)": of.Tversky(0.25, 0.75, axis=-1, reduction=None),
                       "binary_crossentropy": of.binary_crossentropy,
                       "binary_crossentropy(label_smoothing = 0.25)":
                           lambda y, p: of.binary_crossentropy(y, p, label_smoothing=0.25),
                       "binary_focal_crossentropy": of.binary_focal_crossentropy,
                       "binary_focal_crossentropy(true, 0.3, 1.5, label_smoothing = 0.25)":
                           lambda y, p: of.binary_focal_crossentropy(y, p, True, 0.3, 1.5, label_smoothing=0.25),
                       }.items():
        case("chance", text, loss)
    for text, loss in {"binary_crossentropy(from_logits = true)": lambda y, p: of.binary_crossentropy(y, p, from_logits=True),
                       "binary_crossentropy(from_logits = true, label_smoothing = 0.25)":
                           lambda y, p: of.binary_crossentropy(y, p, from_logits=True, label_smoothing=0.25),
                       "binary_focal_crossentropy(from_logits = true)":
                           lambda y, p: of.binary_focal_crossentropy(y, p, from_logits=True)}.items():
        case("logit", text, loss)
    # Targets 0 and 1 of an output that is no class stand for -1 and 1 in Keras alone, so netc gets -1 and 1.
    for text, loss in {"hinge": of.hinge, "squared_hinge": of.squared_hinge}.items():
        case("real", text, lambda y, p, loss=loss: loss(y, p))
    case("class logits", "sparse_categorical_crossentropy(from_logits = true)",
         lambda y, p: of.sparse_categorical_crossentropy(y, p, from_logits=True))
    case("class logits", "sparse_categorical_crossentropy(from_logits = true, ignore_class = 2)",
         lambda y, p: of.sparse_categorical_crossentropy(y, p, from_logits=True, ignore_class=2))
    case("class shares", "sparse_categorical_crossentropy", of.sparse_categorical_crossentropy)
    case("class shares", "categorical_generalized_cross_entropy",
         lambda y, p: of.categorical_generalized_cross_entropy(y, p, 0.5))
    case("class shares", "categorical_generalized_cross_entropy(q = 0.8)",
         lambda y, p: of.categorical_generalized_cross_entropy(y, p, 0.8))
    for text, arguments in {"": {}, "label_smoothing = 0.25": {"label_smoothing": 0.25}}.items():
        case("row shares", f"categorical_crossentropy({text})" if text else "categorical_crossentropy",
             lambda y, p, a=arguments: of.categorical_crossentropy(y, p, **a))
        case("row shares", f"categorical_focal_crossentropy({text})" if text else "categorical_focal_crossentropy",
             lambda y, p, a=arguments: of.categorical_focal_crossentropy(y, p, **a))
        given = "from_logits = true" + (", " + text if text else "")
        for name in ("categorical_crossentropy", "categorical_focal_crossentropy"):
            case("row logits", f"{name}({given})",
                 lambda y, p, a=arguments, name=name: getattr(of, name)(y, p, from_logits=True, **a))
    case("row logits", "focal(alpha = 0.5, gamma = 1.5, from_logits = true)",
         lambda y, p: of.categorical_focal_crossentropy(y, p, 0.5, 1.5, from_logits=True))
    case("row logits", "categorical_hinge", of.categorical_hinge)
    case("row shares", "kl_divergence", of.kl_divergence)
    case("times", "ctc", of.ctc)
    case("times", "ctc(max_length = 3)", of.ctc)
    gradient_cases(result)
    return result


def gradient_cases(result):
    """A step from outputs that are all 0, where the halves of some losses meet."""
    for text, loss in {
            "binary_crossentropy(from_logits = true)":
                lambda y, p: keras.losses.binary_crossentropy(y, p, from_logits=True),
            "log_cosh": keras.losses.log_cosh}.items():
        x, y = tensor(SAMPLES[1]["real"]), tensor(SAMPLES[1]["chance_target"])

        def of_weights(weights, loss=loss, x=x, y=y):
            return keras.ops.mean(loss(y, x @ weights[0] + weights[1]))

        start = [keras.ops.convert_to_tensor(value, keras.config.floatx()) for value in START.values()]
        moved = [weight - slope for weight, slope in zip(start, jax.grad(of_weights)(start))]
        place = list(KINDS).index("logit") * len(SAMPLES) + 1
        result.append({"name": f"a step of {text}",
                       "exact": EXACT,
                       "net": experiment(f"(x: f32[{WIDTH}]) -> f32[{WIDTH}] {{ x -> dense({WIDTH}) }}",
                                         f"loss = {text} optimizer = sgd(1.0)"),
                       "runs": [{"function": "train_step", "first": place, "last": place + 1,
                                 "weights": dict(zip(START, moved))}]})
