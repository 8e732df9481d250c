"""Makes the fixtures of optimizers, schedules, losses and recipes beyond make_fixtures.py's.

    python make_training_fixtures.py            # needs torch, tensorflow, keras, numpy, pytorch_optimizer

The conventions are those of make_fixtures.py. Constants are float32 numbers, as the program has them,
and so the libraries are given them. Results are computed in float64 and rounded to ten digits.
"""

import collections
import importlib.metadata
import math
import sys
from unittest import mock

from keras.src.optimizers.base_optimizer import clip_by_global_norm
from make_fixtures import (
    MADE_WITH, F, draw, keras, np, rounded, set_precision, tensor, tf, torch, write,
)
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

MADE_WITH["script"] = "make_training_fixtures.py"
STEPS = 50
KEPT = (1, 2, 10, 50)


def single(value):
    """A number, or a dictionary's, as float32 has it; `write` prints the fewest digits of such."""
    if isinstance(value, dict):
        return {k: single(v) for k, v in value.items()}
    return np.float32(value) if isinstance(value, float) else value


def double(value):
    """The same numbers, for a library that computes in float64."""
    if isinstance(value, dict):
        return {k: double(v) for k, v in value.items()}
    return float(value) if isinstance(value, np.float32) else value


# --- Optimizers ---------------------------------------------------------------------------------


def torch_rule(p, rule, rate):
    o = torch.optim
    betas = (rule.get("beta1"), rule.get("beta2"))
    eps = rule.get("epsilon")
    plain = {"foreach": False}
    return {
        "sgd": lambda: o.SGD(
            [p], rate, momentum=rule["momentum"], nesterov=rule["nesterov"], **plain
        ),
        "adam": lambda: o.Adam([p], rate, betas, eps, amsgrad=rule["amsgrad"], **plain),
        "adamw": lambda: o.AdamW(
            [p], rate, betas, eps, weight_decay=rule["weight_decay"], **plain
        ),
        "adadelta": lambda: o.Adadelta([p], rate, rule["rho"], eps, **plain),
        "rmsprop": lambda: o.RMSprop(
            [p], rate, rule["rho"], eps, momentum=rule["momentum"], centered=rule["centered"], **plain
        ),
        "adagrad": lambda: o.Adagrad(
            [p], rate, eps=eps, initial_accumulator_value=rule["initial"], **plain
        ),
        "adamax": lambda: o.Adamax([p], rate, betas, eps, **plain),
        "nadam": lambda: o.NAdam(
            [p], rate, betas, eps, momentum_decay=rule["momentum_decay"], **plain
        ),
    }[rule["optimizer"]]()


def keras_rule(rule, rate):
    o = keras.optimizers
    more = {k: rule[v] for k, v in (("beta_1", "beta1"), ("beta_2", "beta2")) if v in rule}
    more |= {k: rule[k] for k in ("epsilon", "weight_decay") if k in rule}
    return {
        "sgd": lambda: o.SGD(rate, momentum=rule["momentum"], nesterov=rule["nesterov"], **more),
        "adam": lambda: o.Adam(rate, amsgrad=rule["amsgrad"], **more),
        "adamw": lambda: o.AdamW(rate, **more),
        "adadelta": lambda: o.Adadelta(rate, rho=rule["rho"], **more),
        "rmsprop": lambda: o.RMSprop(
            rate, rho=rule["rho"], momentum=rule["momentum"], centered=rule["centered"], **more
        ),
        "adagrad": lambda: o.Adagrad(rate, initial_accumulator_value=rule["initial"], **more),
        "adamax": lambda: o.Adamax(rate, **more),
        "nadam": lambda: o.Nadam(rate, **more),
        "lion": lambda: o.Lion(rate, **more),
    }[rule["optimizer"]]()


def torch_steps(rule, initial, gradients, rates):
    p = torch.tensor(initial, dtype=torch.float64, requires_grad=True)
    optimizer = torch_rule(p, rule, rates[0])
    kept = []
    for step in range(STEPS):
        optimizer.param_groups[0]["lr"] = rates[step]
        p.grad = torch.tensor(gradients[step], dtype=torch.float64)
        optimizer.step()
        if step + 1 in KEPT:
            kept.append(rounded(p.detach())["values"])
    return kept


def keras_steps(rule, initial, gradients, rates):
    set_precision("float64")
    p = keras.Variable(initial, dtype="float64")
    optimizer = keras_rule(rule, rates[0])
    optimizer.build([p])
    kept = []
    for step in range(STEPS):
        optimizer.learning_rate = rates[step]
        optimizer.apply([tf.constant(gradients[step], "float64")])
        if step + 1 in KEPT:
            kept.append(rounded(p.numpy())["values"])
    return kept


def optimizer_rules():
    rng = np.random.default_rng(7)
    # Elements 0 to 7 are ordinary; 8 has tiny gradients, where epsilon decides; 9 has none at all;
    # 10 has one only now and then; 11 always the same. The last three begin at 0, where a float32
    # number moves by as little as its gradient says: ordinary, tiny and large gradients.
    initial = np.append(draw(rng, 12), np.zeros(3, np.float32))
    gradients = draw(rng, STEPS, 12, scale=0.5)
    gradients[:, 8] = (gradients[:, 8] * np.float32(1e-6)).astype(np.float32)
    gradients[:, 9] = 0
    gradients[[i for i in range(STEPS) if i % 7 != 3], 10] = 0
    gradients[:, 11] = np.float32(0.25)
    others = draw(np.random.default_rng(70), STEPS, 3, scale=0.5)
    gradients = np.concatenate(
        [gradients, (others * np.array([1, 1e-6, 1e3])).astype(np.float32)], axis=1
    )
    betas = {"beta1": 0.9, "beta2": 0.999}
    adam = {"optimizer": "adam", **betas, "amsgrad": False}
    rms = {"optimizer": "rmsprop", "momentum": 0.0, "centered": False}
    decay = {"weight_decay": 0.1}
    sgd = [
        ({"optimizer": "sgd", "momentum": momentum, "nesterov": nesterov}, rate)
        for momentum, nesterov, rate in ((0.0, False, 0.1), (0.9, False, 0.05), (0.9, True, 0.05))
    ]
    table = [
        *((source, rule, rate) for source in ("torch", "keras") for rule, rate in sgd),
        *(("keras", {**rule, **decay}, rate) for rule, rate in sgd),
        ("torch", {**adam, "epsilon": 1e-8}, 0.01),
        ("keras", {**adam, "epsilon": 1e-7}, 0.01),
        ("torch", {**adam, "epsilon": 1e-8, "amsgrad": True}, 0.01),
        ("keras", {**adam, "epsilon": 1e-7, "amsgrad": True}, 0.01),
        ("torch", {"optimizer": "adamw", **betas, "epsilon": 1e-8, "weight_decay": 0.01}, 0.01),
        ("keras", {"optimizer": "adamw", **betas, "epsilon": 1e-7, "weight_decay": 0.004}, 0.01),
        ("torch", {"optimizer": "adadelta", "rho": 0.9, "epsilon": 1e-6}, 1.0),
        ("keras", {"optimizer": "adadelta", "rho": 0.95, "epsilon": 1e-7}, 1.0),
        ("keras", {"optimizer": "adadelta", "rho": 0.95, "epsilon": 1e-7, **decay}, 1.0),
        *(
            (source, {**rms, "rho": rho, "epsilon": eps, "momentum": momentum, "centered": centered}, 0.01)
            for source, rho, eps in (("torch", 0.99, 1e-8), ("keras", 0.9, 1e-7))
            for momentum, centered in ((0.0, False), (0.9, False), (0.0, True), (0.5, True))
        ),
        ("keras", {**rms, "rho": 0.9, "epsilon": 1e-7, "momentum": 0.5, **decay}, 0.01),
        ("torch", {"optimizer": "adagrad", "initial": 0.0, "epsilon": 1e-10}, 0.05),
        ("torch", {"optimizer": "adagrad", "initial": 0.25, "epsilon": 1e-3}, 0.05),
        ("keras", {"optimizer": "adagrad", "initial": 0.1, "epsilon": 1e-7}, 0.05),
        ("keras", {"optimizer": "adagrad", "initial": 0.1, "epsilon": 1e-7, **decay}, 0.05),
        ("torch", {"optimizer": "adamax", **betas, "epsilon": 1e-8}, 0.01),
        ("keras", {"optimizer": "adamax", **betas, "epsilon": 1e-7}, 0.01),
        ("keras", {"optimizer": "adamax", **betas, "epsilon": 1e-7, **decay}, 0.01),
        ("torch", {"optimizer": "nadam", **betas, "epsilon": 1e-8, "momentum_decay": 0.004}, 0.01),
        ("keras", {"optimizer": "nadam", **betas, "epsilon": 1e-7, "momentum_decay": 1.0}, 0.01),
        (
            "keras",
            {"optimizer": "nadam", **betas, "epsilon": 1e-7, "momentum_decay": 1.0, **decay}, 0.01,
        ),
        ("keras", {"optimizer": "lion", "beta1": 0.9, "beta2": 0.99}, 0.01),
        ("keras", {"optimizer": "lion", "beta1": 0.95, "beta2": 0.98, **decay}, 0.01),
    ]
    cases = []
    for source, rule, rate in table:
        run = torch_steps if source == "torch" else keras_steps
        options = ", ".join(f"{k} {v}" for k, v in rule.items() if k != "optimizer")
        for changing in (False, True):
            # The rate falls to a quarter at step 20 (steps count from 1).
            rates = [
                single(rate / 4 if changing and step >= 20 else rate)
                for step in range(1, STEPS + 1)
            ]
            after = run(double(single(rule)), initial, gradients, [float(v) for v in rates])
            cases.append(
                {
                    "name": f"{rule['optimizer']}, {source}: {options}"
                    + (", rate changes" if changing else ""),
                    "source": source, **single(rule), "learning_rates": rates,
                    "after": [{"step": s, "parameters": a} for s, a in zip(KEPT, after)],
                }
            )
    write(
        "optimizer_rules.json",
        {"initial": initial, "gradients": list(gradients), "cases": cases},
    )


# --- Schedules ----------------------------------------------------------------------------------


def torch_rates(make, count, rate, momentum=False):
    p = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([p], lr=rate, momentum=0.5)
    scheduler = make(optimizer)
    rates, momenta = [], []
    for step in range(count):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        momenta.append(float(optimizer.param_groups[0]["momentum"]))
        optimizer.step()
        if step + 1 < count:
            scheduler.step()
    return (rates, momenta) if momentum else rates


def keras_rates(schedule, count):
    return [float(schedule(tf.constant(step, tf.int64))) for step in range(count)]


def schedule_shapes():
    """Rates of step 0, 1, 2, ... over 30 epochs; an epoch has `steps_per_epoch` of them."""
    S = keras.optimizers.schedules
    T = torch.optim.lr_scheduler
    cases = []

    def add(source, schedule, steps_per_epoch, rates, rate=0.1, **more):
        cases.append(
            {
                "source": source, "schedule": schedule, "steps_per_epoch": steps_per_epoch,
                "learning_rate": rate, "rates": rates, **more,
            }
        )

    for steps, epochs, rise, div, final, anneal, three in (
        (4, 30, 0.3, 25.0, 1e4, "cos", False),
        (3, 30, 0.25, 10.0, 100.0, "linear", False),
        (5, 30, 0.31, 25.0, 1e4, "cos", True),
        (2, 30, 0.4, 20.0, 1e3, "linear", True),
        (7, 1, 0.5, 5.0, 10.0, "cos", False),
    ):
        rates, momenta = torch_rates(
            lambda o: T.OneCycleLR(
                o, 0.1, total_steps=steps * epochs, pct_start=rise, anneal_strategy=anneal,
                div_factor=div, final_div_factor=final, three_phase=three,
            ),
            steps * epochs, 0.1, momentum=True,
        )
        schedule = {
            "name": "one_cycle", "epochs": epochs, "rise": rise, "start": 1 / div,
            "final": 1 / (div * final), "anneal": "cosine" if anneal == "cos" else "linear",
            "three_phase": three, "momentum": [0.85, 0.95],
        }
        add("torch OneCycleLR", schedule, steps, rates, momenta=momenta)
    for first, growth, final in ((10, 1, 0.0), (4, 2, 0.01), (1, 3, 0.0)):
        rates = torch_rates(
            lambda o: T.CosineAnnealingWarmRestarts(o, first, growth, eta_min=final), 30, 0.1
        )
        schedule = {
            "name": "cosine_restarts", "epochs": first, "growth": growth, "final": final / 0.1,
        }
        add("torch CosineAnnealingWarmRestarts", schedule, 1, rates)
    # Where a period ends, Keras's float32 logarithm may be on either side, so the periods of these
    # don't end on a step.
    for first, growth, peak, final in ((7.5, 1.0, 0.5, 0.0), (3.3, 2.0, 0.9, 0.1), (2.45, 1.5, 1.0, 0.0)):
        schedule = {
            "name": "cosine_restarts", "epochs": first, "growth": growth, "peak": peak, "final": final,
        }
        rates = keras_rates(
            S.CosineDecayRestarts(0.1, first * 4, t_mul=growth, m_mul=peak, alpha=final), 120
        )
        add("keras CosineDecayRestarts", schedule, 4, rates)
    for power, final, epochs in ((1.0, 0.0, 30), (0.5, 0.01, 20), (2.0, 0.001, 25)):
        schedule = {"name": "polynomial", "epochs": epochs, "power": power, "final": final / 0.1}
        rates = keras_rates(
            S.PolynomialDecay(0.1, epochs * 3, end_learning_rate=final, power=power), 90
        )
        add("keras PolynomialDecay", schedule, 3, rates)
    schedule = {"name": "polynomial", "epochs": 24, "power": 3, "final": 0}
    add(
        "torch PolynomialLR", schedule, 1,
        torch_rates(lambda o: T.PolynomialLR(o, 24, power=3.0), 30, 0.1),
    )
    schedule = {"name": "piecewise", "boundaries": [6, 20, 25], "factors": [1, 0.3, 0.09, 0.027]}
    add(
        "torch MultiStepLR", schedule, 1,
        torch_rates(lambda o: T.MultiStepLR(o, [6, 20, 25], gamma=0.3), 30, 0.1),
    )
    # Keras gives the step at a boundary to what comes before it: the same with boundaries between steps.
    schedule = {"name": "piecewise", "boundaries": [2.625, 10.125], "factors": [1, 5, 0.5]}
    add(
        "keras PiecewiseConstantDecay", schedule, 4,
        keras_rates(S.PiecewiseConstantDecay([10.5, 40.5], [0.1, 0.5, 0.05]), 120),
    )
    # No library's own: the formula of Vaswani et al., min(n^-0.5, n * w^-1.5) with n from 0, scaled to
    # reach 1 at step w, through PyTorch's LambdaLR.
    warm = 8
    schedule = {"name": "inverse_sqrt", "timescale": 2, "warmup": {"epochs": 2, "from": 0}}
    add(
        "torch LambdaLR", schedule, 4,
        torch_rates(
            lambda o: T.LambdaLR(
                o, lambda n: math.sqrt(warm) * min(max(n, 1e-9) ** -0.5, n * warm**-1.5)
            ),
            120, 0.1,
        ),
    )
    schedule = {"name": "constant"}
    add("torch ConstantLR", schedule, 4, torch_rates(lambda o: T.ConstantLR(o, 1.0), 20, 0.1))

    # A warm-up before others, through PyTorch's SequentialLR: of `warm` steps, from a tenth.
    steps, warm = 4, 12
    warmup = {"epochs": warm // steps, "from": 0.1}
    rise = lambda o: T.LinearLR(o, 0.1, 1.0, warm)
    for schedule, later in (
        (
            {"name": "polynomial", "epochs": 26, "power": 1, "final": 0.5},
            lambda o: T.LinearLR(o, 1.0, 0.5, 26 * steps),
        ),
        (
            {"name": "step", "every": 2, "factor": 0.5},
            lambda o: T.StepLR(o, 2 * steps, 0.5),
        ),
        (
            {"name": "piecewise", "boundaries": [2, 5], "factors": [1, 0.3, 0.09]},
            lambda o: T.MultiStepLR(o, [2 * steps, 5 * steps], 0.3),
        ),
        (
            {"name": "exponential", "decay": 0.9},
            lambda o: T.ExponentialLR(o, 0.9 ** (1 / steps)),
        ),
        (
            {"name": "cosine", "epochs": 9, "final": 0.02},
            lambda o: T.CosineAnnealingLR(o, 9 * steps, eta_min=0.002),
        ),
        (
            {"name": "cosine_restarts", "epochs": 2, "growth": 2, "final": 0},
            lambda o: T.CosineAnnealingWarmRestarts(o, 2 * steps, 2),
        ),
    ):
        rates = torch_rates(lambda o: T.SequentialLR(o, [rise(o), later(o)], [warm]), 48, 0.1)
        add("torch SequentialLR", {**schedule, "warmup": warmup}, steps, rates)
    # OneCycleLR sets a rate of its own as it is made, so that it takes an optimizer of its own.
    cycle = {
        "name": "one_cycle", "epochs": 9, "rise": 0.3, "start": 0.04, "final": 4e-4,
        "anneal": "cosine", "three_phase": False, "warmup": warmup,
    }
    later = lambda o: T.OneCycleLR(
        o, 0.1, total_steps=9 * steps, div_factor=25, final_div_factor=100, cycle_momentum=False
    )
    rates = torch_rates(rise, warm, 0.1) + torch_rates(later, 9 * steps, 0.1)
    add("torch LinearLR, then OneCycleLR", cycle, steps, rates)
    # Both multiply what the rate is. PyTorch's patience is one less than Keras's.
    monitored = [1.0, 0.8, 0.7, 0.65, 0.66, 0.65, 0.7, 0.6, 0.6, 0.61, 0.6, 0.62]
    schedule = {"name": "reduce_on_plateau", "factor": 0.5, "patience": 2, "warmup": warmup}
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    linear = rise(optimizer)
    plateau = T.ReduceLROnPlateau(
        optimizer, factor=0.5, patience=1, threshold=1e-4, threshold_mode="abs"
    )
    rates = []
    for value in monitored:
        for _ in range(steps):
            rates.append(float(optimizer.param_groups[0]["lr"]))
            optimizer.step()
            linear.step()
        plateau.step(value)
    add(
        "torch LinearLR and ReduceLROnPlateau", schedule, steps, rates, monitored=monitored
    )
    write("schedule_shapes.json", {"cases": cases})


# --- Losses -------------------------------------------------------------------------------------


def torch_loss(name, options, z, t):
    """PyTorch's own, of each sample."""
    smoothing = options.get("label_smoothing", 0.0)
    target = F.one_hot(t, z.shape[1]).to(torch.float64)
    weights = options.get("class_weights")
    weights = None if weights is None else torch.tensor(weights, dtype=torch.float64)
    return {
        "softmax_cross_entropy": lambda: F.cross_entropy(
            z, t, weights, reduction="none", label_smoothing=smoothing
        ),
        "mean_squared_error": lambda: F.mse_loss(z, target, reduction="none").mean(1),
        "huber": lambda: F.huber_loss(z, target, reduction="none", delta=options["delta"]).mean(1),
        "binary_cross_entropy": lambda: F.binary_cross_entropy_with_logits(
            z, target, reduction="none"
        ).mean(1),
    }[name]()


def keras_loss(name, options, z, t):
    """Keras's own, of each sample."""
    L = keras.losses
    more = {k: options[k] for k in ("alpha", "gamma", "delta", "label_smoothing") if k in options}
    logits = {"from_logits": True, "reduction": None}
    loss = {
        "softmax_cross_entropy": lambda: L.CategoricalCrossentropy(**logits, **more),
        "focal": lambda: L.CategoricalFocalCrossentropy(**logits, **more),
        "mean_squared_error": lambda: L.MeanSquaredError(reduction=None),
        "huber": lambda: L.Huber(reduction=None, **more),
        "binary_cross_entropy": lambda: L.BinaryCrossentropy(**logits, **more),
    }[name]()
    weights = options.get("class_weights")
    weights = None if weights is None else tf.constant(weights[t], tf.float64)
    return loss(tf.constant(np.eye(z.shape[1])[t], tf.float64), z, sample_weight=weights)


def of_torch(name, options, scores, labels):
    z = torch.tensor(scores, dtype=torch.float64, requires_grad=True)
    each = torch_loss(name, options, z, torch.tensor(labels))
    each.mean().backward()
    return each.detach().numpy(), z.grad


def of_keras(name, options, scores, labels):
    z = tf.constant(scores, tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(z)
        each = keras_loss(name, options, z, labels)
        mean = tf.reduce_mean(each)
    return each.numpy(), tape.gradient(mean, z)


def losses():
    """Per sample, and the gradient of the batch's mean by the scores."""
    set_precision("float64")
    keras.config.set_epsilon(1e-300)  # The focal loss keeps probabilities away from 0 and 1 by it.
    rng = np.random.default_rng(71)
    rows = lambda *rows: np.array(rows, np.float32)
    sets = {
        "ordinary": (draw(rng, 7, 5, scale=2), rng.integers(0, 5, 7)),
        "hard": (
            rows([60, -60, 0, 1, -1], [-50, 55, 54, 0, 3], [8, 9, 10, 9, 8], [0, 0, 0, 0, 0],
                 [-20, 2, 3, 4, 25]),
            np.array([0, 2, 0, 1, 4]),
        ),
        "more and more surely right": (
            rows([2, 0, -1, 1, 0], [0, 5, -1, 0.5, 1], [1, 0, 8, -2, 1], [0, -3, 1, 11, 2],
                 [1, 2, 0, -1, 16]),
            np.arange(5),
        ),
    }
    more = {
        "ten classes": (draw(rng, 6, 10, scale=2), rng.integers(0, 10, 6)),
        "one sample, two classes": (draw(rng, 1, 2), np.array([1])),
        "large scores": (
            rows([1000, -1000, 0], [-1000, 1000, 999], [80, 90, 100], [0, 0, 0]),
            np.array([0, 2, 0, 1]),
        ),
        "surely right": (rows([30, 0, -5], [0, 17, 0]), np.array([0, 1])),
    }
    weights = np.array([1, 0.25, 3, 0.5, 2], np.float32)
    entropy, focal, binary = "softmax_cross_entropy", "focal", "binary_cross_entropy"
    table = [
        ("torch", entropy, {}),
        ("torch", entropy, {"label_smoothing": 0.1}),
        ("torch", entropy, {"class_weights": weights}),
        ("keras", entropy, {"label_smoothing": 0.25, "class_weights": weights}),
        ("keras", focal, {"gamma": 2.0, "alpha": 0.25}),
        ("keras", focal, {"gamma": 0.5, "alpha": 1.0}),
        ("keras", focal, {"gamma": 0.0, "alpha": 1.0}),
        ("torch", "mean_squared_error", {}),
        ("keras", "mean_squared_error", {}),
        ("torch", "huber", {"delta": 1.0}),
        ("keras", "huber", {"delta": 0.4, "class_weights": weights}),
        ("torch", binary, {"label_smoothing": 0.0}),
        ("keras", binary, {"label_smoothing": 0.2}),
    ]
    cases = []
    for source, name, options in table:
        for kind, (scores, labels) in {**sets, **({} if options else more)}.items():
            if kind == "hard" and options.get("gamma", 2) <= 1:
                scores = scores / 4  # Where p is rounded to 1, Keras's gradient would be no number.
            of = of_torch if source == "torch" else of_keras
            each, gradient = of(name, double(single(options)), scores, labels)
            cases.append(
                {
                    "name": f"{name}, {source}, {kind}", "source": source, "loss": name,
                    **single(options), "scores": tensor(scores), "labels": [int(v) for v in labels],
                    "losses": rounded(each)["values"], "gradient": rounded(gradient),
                    "correct": int((scores.argmax(1) == labels).sum()),
                }
            )
    write("losses.json", {"cases": cases})


# --- Recipes ------------------------------------------------------------------------------------

NAMES = ["dense_0/kernel", "dense_0/bias", "dense_1/kernel", "dense_1/bias"]
# Betas and epsilon of what Muon leaves to Adam.
ADAM = (float(single(0.9)), float(single(0.95))), float(single(1e-10))


def batch_of(step, parts=1):
    """Every seventh batch is a sample short."""
    return [(5 * step + i) % 12 for i in range(4 * parts - (1 if step % 7 == 6 else 0))]


def torch_recipe(options, rate, momentum, initial, inputs, labels):
    """All but the network is PyTorch's own; sharpness-aware minimisation is pytorch_optimizer's."""
    net = torch.nn.Sequential(
        collections.OrderedDict(
            dense_0=torch.nn.Linear(7, 6), tanh=torch.nn.Tanh(), dense_1=torch.nn.Linear(6, 3)
        )
    ).double()
    p = dict(zip(NAMES, net.parameters()))
    turned = lambda value: value.T if value.ndim == 2 else value
    with torch.no_grad():
        for name, value in initial.items():
            p[name].copy_(turned(torch.tensor(value)))
    kernels = [v for k, v in p.items() if k.endswith("kernel")]
    biases = [v for k, v in p.items() if k.endswith("bias")]
    groups = [
        {"params": [v], "lr": rate * options.get("factors", {}).get(k.split("/")[0], 1.0)}
        for k, v in p.items()
    ]
    if "sam" in options:
        from pytorch_optimizer import SAM

        optimizers = [
            SAM(groups, torch.optim.SGD, rho=options["sam"], lr=rate, momentum=momentum)
        ]
    elif "nesterov" in options:
        optimizers = [
            torch.optim.Muon(
                kernels, rate, weight_decay=0, momentum=momentum, nesterov=options["nesterov"],
                adjust_lr_fn="match_rms_adamw",
            ),
            torch.optim.Adam(biases, rate, *ADAM),
        ]
    else:
        optimizers = [torch.optim.SGD(groups, rate, momentum=momentum)]
    average = None
    if "ema" in options:
        average = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(options["ema"]))
    elif "swa_every" in options:
        average = AveragedModel(net)
    losses = []
    for step in range(STEPS):
        batch = batch_of(step, options.get("accumulation", 1))

        def objective():
            net.zero_grad()
            entropy = F.cross_entropy(
                net(torch.tensor(inputs[batch], dtype=torch.float64)), torch.tensor(labels[batch])
            )
            entropy.backward()
            return entropy

        losses.append(float(objective().detach()))
        for optimizer in optimizers:
            if "sam" in options:
                optimizer.step(objective)
            else:
                # Muon would round the directions of kernels to bfloat16.
                with mock.patch.object(torch, "bfloat16", torch.float64):
                    optimizer.step()
        after = step + 1 - options.get("swa_after", 0)
        if average is not None and after > 0 and after % options.get("swa_every", 1) == 0:
            average.update_parameters(net)
    tensors = lambda net: {k: rounded(turned(v.detach())) for k, v in zip(NAMES, net.parameters())}
    return losses, tensors(net), None if average is None else tensors(average.module)


def keras_recipe(options, rate, momentum, initial, inputs, labels):
    """All is Keras's own."""
    set_precision("float64")
    dense = [keras.layers.Dense(6, activation="tanh"), keras.layers.Dense(3)]
    model = keras.Sequential([keras.Input((7,)), *dense])
    variables = [v for layer in dense for v in (layer.kernel, layer.bias)]
    for variable, value in zip(variables, initial.values()):
        variable.assign(value.astype(np.float64))
    norm, value = options.get("clip_norm"), options.get("clip_value")
    if "nesterov" in options:
        optimizer = keras.optimizers.Muon(
            rate, *ADAM[0], epsilon=ADAM[1], adam_weight_decay=None, weight_decay=None,
            momentum=momentum, nesterov=options["nesterov"],
        )
    else:
        # An optimizer clips in one way or the other.
        optimizer = keras.optimizers.SGD(
            rate, momentum, clipvalue=value, global_clipnorm=None if value else norm
        )
    optimizer.build(variables)
    objective = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    losses = []
    for step in range(STEPS):
        batch = batch_of(step)
        with tf.GradientTape() as tape:
            entropy = objective(
                tf.constant(labels[batch]), model(tf.constant(inputs[batch], tf.float64))
            )
        gradients = tape.gradient(entropy, [v.value for v in variables])
        if norm and value:
            gradients = clip_by_global_norm(gradients, norm)
        optimizer.apply(gradients, variables)
        losses.append(float(entropy))
    return losses, {n: rounded(v.numpy()) for n, v in zip(NAMES, variables)}, None


def recipes():
    """dense 6 tanh, dense 3, fifty steps of SGD with momentum over batches of 4 or more."""
    MADE_WITH["pytorch_optimizer"] = importlib.metadata.version("pytorch_optimizer")
    rng = np.random.default_rng(72)
    inputs = draw(rng, 12, 7)
    labels = rng.integers(0, 3, 12)
    initial = {
        "dense_0/kernel": draw(rng, 7, 6, scale=0.5), "dense_0/bias": draw(rng, 6, scale=0.1),
        "dense_1/kernel": draw(rng, 6, 3, scale=0.7), "dense_1/bias": draw(rng, 3, scale=0.1),
    }
    muon = {"learning_rate": 0.02, "momentum": 0.95}
    table = [
        ("plain", "torch", {}),
        ("clip_norm", "keras", {"clip_norm": 0.5}),
        ("clip_value", "keras", {"clip_value": 0.05}),
        ("clip_norm and clip_value", "keras", {"clip_norm": 0.8, "clip_value": 0.2}),
        ("ema", "torch", {"ema": 0.9}),
        ("swa", "torch", {"swa_every": 3, "swa_after": 20}),
        ("accumulation", "torch", {"accumulation": 3}),
        ("muon", "torch", {"nesterov": True, **muon}),
        ("muon without nesterov", "torch", {"nesterov": False, **muon}),
        ("muon of keras", "keras", {"nesterov": True, **muon}),
        ("frozen and slow", "torch", {"factors": {"dense_0": 0.0, "dense_1": 0.25}}),
        ("sam", "pytorch_optimizer", {"sam": 0.05}),
    ]
    cases = []
    for name, source, options in table:
        options = single({"learning_rate": 0.1, "momentum": 0.9, **options})
        given = double(options)
        run = keras_recipe if source == "keras" else torch_recipe
        losses, final, average = run(
            given, given.pop("learning_rate"), given.pop("momentum"), initial, inputs, labels
        )
        cases.append(
            {
                "name": name, "source": source, **options, "losses": losses, "final": final,
                **({"average": average} if average else {}),
            }
        )
    write(
        "recipes.json",
        {
            "inputs": tensor(inputs), "labels": [int(v) for v in labels],
            "initial": {k: tensor(v) for k, v in initial.items()}, "cases": cases,
        },
    )


if __name__ == "__main__":
    for maker in (optimizer_rules, schedule_shapes, losses, recipes):
        if len(sys.argv) == 1 or maker.__name__ in sys.argv[1:]:
            maker()
