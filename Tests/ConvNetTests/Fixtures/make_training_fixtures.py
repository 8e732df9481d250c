"""Makes the fixtures of optimizers, schedules, losses and recipes beyond make_fixtures.py's.

    python make_training_fixtures.py            # needs torch, tensorflow, keras, numpy

The conventions are those of make_fixtures.py. Results are computed in float64 and rounded to float32.
"""

import math
import sys

from make_fixtures import MADE_WITH, F, draw, keras, np, set_precision, tensor, tf, torch, write

MADE_WITH["script"] = "make_training_fixtures.py"
STEPS = 50
KEPT = (1, 2, 10, 50)


# --- Optimizers ---------------------------------------------------------------------------------


def torch_rule(p, rule, rate):
    o = torch.optim
    betas = (rule.get("beta1"), rule.get("beta2"))
    eps = rule.get("epsilon")
    plain = {"foreach": False}
    return {
        "adam": lambda: o.Adam([p], rate, betas, eps, amsgrad=rule["amsgrad"], **plain),
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
    betas = {k: rule[v] for k, v in (("beta_1", "beta1"), ("beta_2", "beta2")) if v in rule}
    eps = {"epsilon": rule["epsilon"]} if "epsilon" in rule else {}
    return {
        "adam": lambda: o.Adam(rate, amsgrad=rule["amsgrad"], **betas, **eps),
        "rmsprop": lambda: o.RMSprop(
            rate, rho=rule["rho"], momentum=rule["momentum"], centered=rule["centered"], **eps
        ),
        "adagrad": lambda: o.Adagrad(rate, initial_accumulator_value=rule["initial"], **eps),
        "adamax": lambda: o.Adamax(rate, **betas, **eps),
        "nadam": lambda: o.Nadam(rate, **betas, **eps),
        "lion": lambda: o.Lion(rate, weight_decay=rule.get("weight_decay"), **betas),
    }[rule["optimizer"]]()


def torch_steps(rule, initial, gradients, rates):
    p = torch.tensor(initial, dtype=torch.float64, requires_grad=True)
    optimizer = torch_rule(p, rule, rates[0])
    kept = []
    for step in range(STEPS):
        optimizer.param_groups[0]["lr"] = float(rates[step])
        p.grad = torch.tensor(gradients[step], dtype=torch.float64)
        optimizer.step()
        if step + 1 in KEPT:
            kept.append(p.detach().numpy().astype(np.float32))
    return kept


def keras_steps(rule, initial, gradients, rates):
    set_precision("float64")
    p = keras.Variable(initial, dtype="float64")
    optimizer = keras_rule(rule, rates[0])
    optimizer.build([p])
    kept = []
    for step in range(STEPS):
        optimizer.learning_rate = float(rates[step])
        optimizer.apply([tf.constant(gradients[step], "float64")])
        if step + 1 in KEPT:
            kept.append(p.numpy().astype(np.float32))
    return kept


def optimizer_rules():
    rng = np.random.default_rng(70)
    initial = draw(rng, 12)
    # As in optimizers.json: tiny gradients, none, one now and then, always the same.
    gradients = draw(rng, STEPS, 12, scale=0.5)
    gradients[:, 8] = (gradients[:, 8] * np.float32(1e-6)).astype(np.float32)
    gradients[:, 9] = 0
    gradients[[i for i in range(STEPS) if i % 7 != 3], 10] = 0
    gradients[:, 11] = np.float32(0.25)
    betas = {"beta1": 0.9, "beta2": 0.999}
    rms = {"optimizer": "rmsprop", "momentum": 0.0, "centered": False}
    table = [
        ("torch", {"optimizer": "adam", **betas, "epsilon": 1e-8, "amsgrad": True}, 0.01),
        ("keras", {"optimizer": "adam", **betas, "epsilon": 1e-7, "amsgrad": True}, 0.01),
        *(
            (source, {**rms, "rho": rho, "epsilon": eps, "momentum": momentum, "centered": centered}, 0.01)
            for source, rho, eps in (("torch", 0.99, 1e-8), ("keras", 0.9, 1e-7))
            for momentum, centered in ((0.0, False), (0.9, False), (0.0, True), (0.5, True))
        ),
        ("torch", {"optimizer": "adagrad", "initial": 0.0, "epsilon": 1e-10}, 0.05),
        ("torch", {"optimizer": "adagrad", "initial": 0.25, "epsilon": 1e-3}, 0.05),
        ("keras", {"optimizer": "adagrad", "initial": 0.1, "epsilon": 1e-7}, 0.05),
        ("torch", {"optimizer": "adamax", **betas, "epsilon": 1e-8}, 0.01),
        ("keras", {"optimizer": "adamax", **betas, "epsilon": 1e-7}, 0.01),
        ("torch", {"optimizer": "nadam", **betas, "epsilon": 1e-8, "momentum_decay": 0.004}, 0.01),
        ("keras", {"optimizer": "nadam", **betas, "epsilon": 1e-7, "momentum_decay": 1.0}, 0.01),
        ("keras", {"optimizer": "lion", "beta1": 0.9, "beta2": 0.99}, 0.01),
        ("keras", {"optimizer": "lion", "beta1": 0.95, "beta2": 0.98, "weight_decay": 0.1}, 0.01),
    ]
    cases = []
    for source, rule, rate in table:
        # The rate falls to a quarter at step 20 (steps count from 1).
        rates = [rate / 4 if step >= 20 else rate for step in range(1, STEPS + 1)]
        run = torch_steps if source == "torch" else keras_steps
        after = run(rule, initial, gradients, rates)
        options = ", ".join(f"{k} {v}" for k, v in rule.items() if k != "optimizer")
        cases.append(
            {
                "name": f"{rule['optimizer']}, {source}: {options}", "source": source, **rule,
                "learning_rates": rates,
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
    # A warm-up before another, through PyTorch's SequentialLR.
    schedule = {
        "name": "polynomial", "epochs": 26, "power": 1, "final": 0.5,
        "warmup": {"epochs": 4, "from": 0.1},
    }
    add(
        "torch SequentialLR", schedule, 2,
        torch_rates(
            lambda o: T.SequentialLR(
                o, [T.LinearLR(o, 0.1, 1.0, 8), T.LinearLR(o, 1.0, 0.5, 52)], [8]
            ),
            60, 0.1,
        ),
    )
    write("schedule_shapes.json", {"cases": cases})


# --- Losses -------------------------------------------------------------------------------------


def losses():
    """Per sample, and the gradient of the batch's mean by the scores."""
    rng = np.random.default_rng(71)
    scores = draw(rng, 7, 5, scale=2)
    labels = rng.integers(0, 5, 7)
    hard = np.array(
        [[60, -60, 0, 1, -1], [-50, 55, 54, 0, 3], [8, 9, 10, 9, 8], [0, 0, 0, 0, 0], [-20, 2, 3, 4, 25]],
        np.float32,
    )
    hard_labels = np.array([0, 2, 0, 1, 4])
    weights = np.array([1, 0.25, 3, 0.5, 2], np.float32)
    one_hot = lambda t: F.one_hot(t, 5).to(torch.float64)
    cce = F.cross_entropy

    def focal(z, t, gamma, alpha, smoothing=0.0):
        # Keras's own, through PyTorch's automatic differentiation of the same formula below.
        p = torch.softmax(z, 1).gather(1, t[:, None])[:, 0]
        return -alpha * (1 - p) ** gamma * torch.log_softmax(z, 1).gather(1, t[:, None])[:, 0]

    def bce(z, t, smoothing):
        target = one_hot(t) * (1 - smoothing) + 0.5 * smoothing
        return F.binary_cross_entropy_with_logits(z, target, reduction="none").mean(1)

    mean = lambda f: lambda z, t: f(z, one_hot(t), reduction="none").mean(1)
    table = [
        ("softmax_cross_entropy", {"label_smoothing": 0.1},
         lambda z, t: cce(z, t, reduction="none", label_smoothing=0.1)),
        ("softmax_cross_entropy", {"class_weights": weights},
         lambda z, t: cce(z, t, torch.tensor(weights, dtype=torch.float64), reduction="none")),
        ("softmax_cross_entropy", {"label_smoothing": 0.25, "class_weights": weights},
         lambda z, t: cce(z, t, reduction="none", label_smoothing=0.25)
         * torch.tensor(weights, dtype=torch.float64)[t]),
        ("focal", {"gamma": 2.0, "alpha": 0.25}, lambda z, t: focal(z, t, 2.0, 0.25)),
        ("focal", {"gamma": 0.5, "alpha": 1.0}, lambda z, t: focal(z, t, 0.5, 1.0)),
        ("focal", {"gamma": 0.0, "alpha": 1.0}, lambda z, t: cce(z, t, reduction="none")),
        ("mean_squared_error", {}, mean(F.mse_loss)),
        ("huber", {"delta": 1.0}, mean(F.huber_loss)),
        ("huber", {"delta": 0.4, "class_weights": weights},
         lambda z, t: F.huber_loss(z, one_hot(t), reduction="none", delta=0.4).mean(1)
         * torch.tensor(weights, dtype=torch.float64)[t]),
        ("binary_cross_entropy", {"label_smoothing": 0.0}, lambda z, t: bce(z, t, 0.0)),
        ("binary_cross_entropy", {"label_smoothing": 0.2}, lambda z, t: bce(z, t, 0.2)),
    ]
    set_precision("float64")
    cases = []
    for name, options, function in table:
        for kind, values, classes in (("ordinary", scores, labels), ("hard", hard, hard_labels)):
            z = torch.tensor(values, dtype=torch.float64, requires_grad=True)
            t = torch.tensor(classes)
            each = function(z, t)
            each.mean().backward()
            # Keras's word on the mean, where it has the loss; it clips probabilities to 1e-7.
            if kind == "ordinary":
                check = keras_loss(name, options, values, classes)
                assert abs(check - float(each.detach().mean())) <= 1e-7 * abs(check), (name, options)
            gradient = torch.nan_to_num(z.grad)
            cases.append(
                {
                    "name": f"{name}, {kind}", "source": "torch, keras", "loss": name, **options,
                    "scores": tensor(values), "labels": [int(v) for v in classes],
                    "losses": [float(v) for v in each.detach()], "gradient": tensor(gradient),
                }
            )
    write("losses.json", {"cases": cases})


def keras_loss(name, options, scores, labels):
    L = keras.losses
    smoothing = options.get("label_smoothing", 0.0)
    loss = {
        "softmax_cross_entropy": lambda: L.CategoricalCrossentropy(
            from_logits=True, label_smoothing=smoothing
        ),
        "focal": lambda: L.CategoricalFocalCrossentropy(
            alpha=options["alpha"], gamma=options["gamma"], from_logits=True
        ),
        "mean_squared_error": L.MeanSquaredError,
        "huber": lambda: L.Huber(options["delta"]),
        "binary_cross_entropy": lambda: L.BinaryCrossentropy(
            from_logits=True, label_smoothing=smoothing
        ),
    }[name]()
    weights = options.get("class_weights")
    weights = None if weights is None else tf.constant(weights[labels], tf.float64)
    target = tf.constant(np.eye(5)[labels], tf.float64)
    return float(loss(target, tf.constant(scores, tf.float64), sample_weight=weights))


# --- Recipes ------------------------------------------------------------------------------------


def recipes():
    """dense 6 tanh, dense 3, fifty steps of SGD with momentum over batches of 4 or more."""
    rng = np.random.default_rng(72)
    inputs = draw(rng, 12, 7)
    labels = rng.integers(0, 3, 12)
    initial = {
        "dense_0/kernel": draw(rng, 7, 6, scale=0.5), "dense_0/bias": draw(rng, 6, scale=0.1),
        "dense_1/kernel": draw(rng, 6, 3, scale=0.7), "dense_1/bias": draw(rng, 3, scale=0.1),
    }
    kernels = [k for k in initial if k.endswith("kernel")]
    table = [
        ("plain", {}),
        ("clip_norm", {"clip_norm": 0.5}),
        ("clip_value", {"clip_value": 0.05}),
        ("clip_norm and clip_value", {"clip_norm": 0.8, "clip_value": 0.2}),
        ("ema", {"ema": 0.9}),
        ("swa", {"swa_every": 3, "swa_after": 20}),
        ("accumulation", {"accumulation": 3}),
        ("muon", {"muon": True, "learning_rate": 0.02, "momentum": 0.95}),
        ("frozen and slow", {"factors": {"dense_0": 0.0, "dense_1": 0.25}}),
        ("sam", {"sam": 0.05}),
    ]
    cases = []
    for name, options in table:
        p = {k: torch.tensor(v, dtype=torch.float64, requires_grad=True) for k, v in initial.items()}
        rate = options.get("learning_rate", 0.1)
        momentum = options.get("momentum", 0.9)
        groups = [
            {"params": [v], "lr": rate * options.get("factors", {}).get(k.split("/")[0], 1.0)}
            for k, v in p.items()
        ]
        optimizer = torch.optim.SGD(groups, rate, momentum=momentum)
        adam = torch.optim.Adam([v for k, v in p.items() if k not in kernels], rate, (0.9, 0.95), 1e-10)
        velocity = {k: torch.zeros_like(p[k]) for k in kernels}
        parts = options.get("accumulation", 1)
        average, averaged = None, 0
        results = []
        for step in range(STEPS):
            batch = [(5 * step + i) % 12 for i in range(4 * parts)]
            if step % 7 == 6:
                batch = batch[:-1]  # a short batch

            def objective():
                x = torch.tensor(inputs[batch], dtype=torch.float64)
                y = torch.tanh(x @ p["dense_0/kernel"] + p["dense_0/bias"])
                y = y @ p["dense_1/kernel"] + p["dense_1/bias"]
                entropy = F.cross_entropy(y, torch.tensor(labels[batch]))
                total = entropy
                for k in kernels:
                    total = total + options.get("l1", 0) * p[k].abs().sum()
                    total = total + options.get("l2", 0) * p[k].square().sum()
                return entropy, total

            optimizer.zero_grad()
            entropy, total = objective()
            total.backward()
            if "sam" in options:
                norm = torch.sqrt(sum(v.grad.square().sum() for v in p.values()))
                moved = {k: (v.grad * options["sam"] / (norm + 1e-12)).detach() for k, v in p.items()}
                with torch.no_grad():
                    for k, v in p.items():
                        v.add_(moved[k])
                optimizer.zero_grad()
                objective()[1].backward()
                with torch.no_grad():
                    for k, v in p.items():
                        v.sub_(moved[k])
            if "clip_norm" in options:
                norm = torch.sqrt(sum(v.grad.square().sum() for v in p.values()))
                for v in p.values():
                    v.grad *= min(1.0, options["clip_norm"] / float(norm))
            if "clip_value" in options:
                torch.nn.utils.clip_grad_value_(list(p.values()), options["clip_value"])
            if options.get("muon"):
                with torch.no_grad():
                    for k in kernels:
                        muon(p[k], velocity[k], rate, momentum)
                adam.step()
            else:
                optimizer.step()
            if "max_norm" in options:
                with torch.no_grad():
                    for k in kernels:
                        norms = p[k].norm(dim=0, keepdim=True)
                        # Keras's MaxNorm(axis=0)
                        p[k].mul_(norms.clamp(0, options["max_norm"]) / (1e-7 + norms))
            now = {k: v.detach().clone() for k, v in p.items()}
            if "ema" in options:
                if average is None:
                    average = now
                else:
                    d = options["ema"]
                    average = {k: d * average[k] + (1 - d) * now[k] for k in now}
            if "swa_every" in options and step + 1 > options["swa_after"]:
                if (step + 1 - options["swa_after"]) % options["swa_every"] == 0:
                    averaged += 1
                    average = (
                        now if averaged == 1
                        else {k: average[k] + (now[k] - average[k]) / averaged for k in now}
                    )
            results.append(float(entropy.detach()))
        cases.append(
            {
                "name": name, "source": "torch", **options, "learning_rate": rate,
                "momentum": momentum, "losses": results,
                "final": {k: tensor(v.detach().numpy()) for k, v in p.items()},
                **({"average": {k: tensor(v.numpy()) for k, v in average.items()}} if average else {}),
            }
        )
    write(
        "recipes.json",
        {
            "inputs": tensor(inputs), "labels": [int(v) for v in labels],
            "initial": {k: tensor(v) for k, v in initial.items()}, "cases": cases,
        },
    )


def muon(p, velocity, rate, momentum):
    """torch.optim.Muon's step, but for its bfloat16, with the rate of match_rms_adamw."""
    velocity.lerp_(p.grad, 1 - momentum)
    x = p.grad.lerp(velocity, momentum)
    if x.size(0) > x.size(1):
        x = x.T
    x = x / x.norm().clamp(min=1e-7)
    for _ in range(5):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    if p.size(0) > p.size(1):
        x = x.T
    p.sub_(x, alpha=rate * 0.2 * math.sqrt(max(p.shape)))


if __name__ == "__main__":
    for maker in (optimizer_rules, schedule_shapes, losses, recipes):
        if len(sys.argv) == 1 or maker.__name__ in sys.argv[1:]:
            maker()
