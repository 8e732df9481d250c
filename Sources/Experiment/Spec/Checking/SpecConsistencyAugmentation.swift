import Storage

extension SpecChecker {
  /// Ranges must not be upside down, a blur has a middle, and views of a test image need something to
  /// differ by.
  mutating func checkAugmentation(_ spec: JSONValue) {
    let augmentation = Path() + "augmentation"
    checkOps(spec["augmentation"], augmentation)
    guard let views = spec["evaluation"]?["test_time_augmentation"], !views.isNull else { return }
    let path = Path() + "evaluation" + "test_time_augmentation"
    checkOps(views["ops"], path + "ops")
    let own = views["ops"]?.array
    let kinds = (own ?? spec["augmentation"]?.array ?? []).map { $0["op"]?.string }
    if !kinds.contains(where: { $0 != "mixup" && $0 != "cutmix" }) {
      report(
        at: own == nil ? path : path + "ops",
        "every view would be the same; give it \"ops\" that distort one image")
    }
  }

  private mutating func checkOps(_ ops: JSONValue?, _ place: Path) {
    for (i, op) in (ops?.array ?? []).enumerated() {
      let path = place + i
      for key in ["sigma", "area", "ratio"] {
        guard let range = op[key]?.array, let low = range[0].double, let high = range[1].double,
          low > high
        else { continue }
        report(
          at: path + key,
          "the least, \(Bounds.text(low)), is more than the largest, \(Bounds.text(high))")
      }
      if op["op"] == "gaussian_blur", let kernel = op["kernel"]?.int, kernel % 2 == 0 {
        report(at: path + "kernel", "\(kernel) is even; a blur needs a pixel in its middle")
      }
    }
  }
}
