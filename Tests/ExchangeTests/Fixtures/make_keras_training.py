"""Writes keras_training.json: for optimizers and losses as specs have them, what Keras itself writes of those
that do the same (`model.get_compile_config()`).

    KERAS_BACKEND=jax python make_keras_training.py

With keras 3.15.1 and jax 0.10.2 (Tests/clients/requirements.txt).
"""

import json
import pathlib

import keras

o, l = keras.optimizers, keras.losses
plain = (l.SparseCategoricalCrossentropy(from_logits=True), "softmax_cross_entropy")
CASES = [
    # optimizer and loss in Keras, optimizer and loss in a spec, whether the file gives probabilities
    (o.SGD(0.05), plain[0], {"name": "sgd", "learning_rate": 0.05}, plain[1], False),
    (o.SGD(0.1, momentum=0.9, nesterov=True, clipvalue=0.5), plain[0],
     {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9, "nesterov": True, "clip_value": 0.5},
     plain[1], False),
    (o.Adam(0.001), l.SparseCategoricalCrossentropy(from_logits=False),
     {"name": "adam", "learning_rate": 0.001}, plain[1], True),
    (o.Adam(0.002, beta_1=0.8, beta_2=0.99, epsilon=1e-5, amsgrad=True, global_clipnorm=2.0,
            use_ema=True, ema_momentum=0.998, gradient_accumulation_steps=3, weight_decay=0.03),
     l.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
     {"name": "adamw", "learning_rate": 0.002, "beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-5,
      "amsgrad": True, "clip_norm": 2.0, "averaging": {"name": "ema", "decay": 0.998},
      "accumulation": 3, "weight_decay": 0.03},
     {"name": "softmax_cross_entropy", "label_smoothing": 0.1}, False),
    (o.Adadelta(1.0, rho=0.9, epsilon=1e-6), l.MeanSquaredError(),
     {"name": "adadelta", "learning_rate": 1.0, "rho": 0.9, "epsilon": 1e-6},
     "mean_squared_error", False),
    (o.RMSprop(0.001, rho=0.8, momentum=0.5, epsilon=1e-6, centered=True), l.Huber(delta=0.5),
     {"name": "rmsprop", "learning_rate": 0.001, "rho": 0.8, "momentum": 0.5, "epsilon": 1e-6,
      "centered": True}, {"name": "huber", "delta": 0.5}, False),
    (o.Adagrad(0.01, initial_accumulator_value=0.2, epsilon=1e-6),
     l.BinaryCrossentropy(from_logits=True, label_smoothing=0.2),
     {"name": "adagrad", "learning_rate": 0.01, "initial": 0.2, "epsilon": 1e-6},
     {"name": "binary_cross_entropy", "label_smoothing": 0.2}, False),
    (o.Adamax(0.003, beta_1=0.85, beta_2=0.9, epsilon=1e-6),
     l.CategoricalFocalCrossentropy(from_logits=False, alpha=0.3, gamma=1.5),
     {"name": "adamax", "learning_rate": 0.003, "beta_1": 0.85, "beta_2": 0.9, "epsilon": 1e-6},
     {"name": "focal", "alpha": 0.3, "gamma": 1.5}, True),
    (o.Nadam(0.003, beta_1=0.85, beta_2=0.9, epsilon=1e-6), plain[0],
     {"name": "nadam", "learning_rate": 0.003, "beta_1": 0.85, "beta_2": 0.9, "epsilon": 1e-6},
     plain[1], False),
    (o.Lion(0.0003, beta_1=0.8, beta_2=0.95), plain[0],
     {"name": "lion", "learning_rate": 0.0003, "beta_1": 0.8, "beta_2": 0.95}, plain[1], False),
]

cases = []
for optimizer, loss, spec, spec_loss, softmax in CASES:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    model.compile(optimizer, loss, metrics=["accuracy"])
    cases.append({"optimizer": spec, "loss": spec_loss, "softmax": softmax,
                  "keras": model.get_compile_config()})
text = json.dumps(cases, indent=1) + "\n"
pathlib.Path(__file__).with_name("keras_training.json").write_text(text)
