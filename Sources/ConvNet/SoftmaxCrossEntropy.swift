/// Softmax cross-entropy of logits z and a class y:
///
///     L = ln Σ eᶻ − z_y     dz = (softmax(z) − onehot(y)) / N
struct SoftmaxCrossEntropy {
  let classes: Int

  /// One sample's loss, and its most likely class (the first of equals).
  @inline(__always)
  func loss(
    _ logits: UnsafePointer<Float>, label: Int, probabilities: UnsafeMutablePointer<Float>
  ) -> (loss: Float, prediction: Int) {
    var prediction = 0
    for c in 1..<classes where logits[c] > logits[prediction] { prediction = c }
    let target = logits[label]
    let (maximum, sum) = softmax(logits, to: probabilities, count: classes)
    return (Elementary.log(sum) - (target - maximum), prediction)
  }

  /// dz from the probabilities, in place.
  @inline(__always)
  func gradient(_ probabilities: UnsafeMutablePointer<Float>, label: Int, scale: Float) {
    probabilities[label] -= 1
    for c in 0..<classes { probabilities[c] *= scale }
  }
}
