import Foundation

@testable import ConvNet

/// Convolution, pooling and product as the textbook writes them, in `Double`.
struct PlainConvolution {
  let geometry: WindowGeometry
  let channels: Int
  let filters: Int

  private func forEach(
    _ body: (_ y: Int, _ x: Int, _ row: Int, _ column: Int, _ position: Int) -> Void
  ) {
    let g = geometry
    for y in 0..<g.output.height {
      for x in 0..<g.output.width {
        for i in 0..<g.window.height {
          for j in 0..<g.window.width {
            let row = y * g.stride.height + i * g.dilation.height - g.top
            let column = x * g.stride.width + j * g.dilation.width - g.left
            guard row >= 0, row < g.input.height, column >= 0, column < g.input.width else {
              continue
            }
            body(y, x, row, column, i * g.window.width + j)
          }
        }
      }
    }
  }

  /// One image's output, (H', W', F).
  func forward(_ image: [Double], kernel: [Double], bias: [Double]) -> [Double] {
    let positions = geometry.output.height * geometry.output.width
    var output = (0..<positions).flatMap { _ in bias }
    forEach { y, x, row, column, position in
      for c in 0..<channels {
        let value = image[(row * geometry.input.width + column) * channels + c]
        let weights = (position * channels + c) * filters
        let at = (y * geometry.output.width + x) * filters
        for f in 0..<filters { output[at + f] += value * kernel[weights + f] }
      }
    }
    return output
  }

  /// One image's (dX, dW, db).
  func backward(
    _ image: [Double], kernel: [Double], gradient: [Double]
  ) -> (input: [Double], kernel: [Double], bias: [Double]) {
    var dx = [Double](repeating: 0, count: image.count)
    var dw = [Double](repeating: 0, count: kernel.count)
    var db = [Double](repeating: 0, count: filters)
    forEach { y, x, row, column, position in
      for c in 0..<channels {
        let from = (row * geometry.input.width + column) * channels + c
        let weights = (position * channels + c) * filters
        let at = (y * geometry.output.width + x) * filters
        for f in 0..<filters {
          dx[from] += gradient[at + f] * kernel[weights + f]
          dw[weights + f] += gradient[at + f] * image[from]
        }
      }
    }
    for i in gradient.indices { db[i % filters] += gradient[i] }
    return (dx, dw, db)
  }

  /// The lowered image, (H'·W', K·K·C), zeros where the window hangs over the edge.
  func lower(_ image: [Float]) -> [Float] {
    let patch = geometry.window.height * geometry.window.width * channels
    var columns = [Float](
      repeating: 0, count: geometry.output.height * geometry.output.width * patch)
    forEach { y, x, row, column, position in
      for c in 0..<channels {
        columns[(y * geometry.output.width + x) * patch + position * channels + c] =
          image[(row * geometry.input.width + column) * channels + c]
      }
    }
    return columns
  }

  /// The transpose of `lower`.
  func raise(_ columns: [Double]) -> [Double] {
    let patch = geometry.window.height * geometry.window.width * channels
    var image = [Double](
      repeating: 0, count: geometry.input.height * geometry.input.width * channels)
    forEach { y, x, row, column, position in
      for c in 0..<channels {
        image[(row * geometry.input.width + column) * channels + c] +=
          columns[(y * geometry.output.width + x) * patch + position * channels + c]
      }
    }
    return image
  }
}

struct PlainPooling {
  let geometry: WindowGeometry
  let channels: Int

  /// One image's maxima, (H', W', C), and where in the image each was found first.
  func forward(_ image: [Double]) -> (values: [Double], winners: [Int]) {
    let g = geometry
    var values: [Double] = []
    var winners: [Int] = []
    for y in 0..<g.output.height {
      for x in 0..<g.output.width {
        for c in 0..<channels {
          var best = -Double.infinity
          var winner = -1
          for i in 0..<g.window.height {
            for j in 0..<g.window.width {
              let row = y * g.stride.height + i - g.top
              let column = x * g.stride.width + j - g.left
              guard row >= 0, row < g.input.height, column >= 0, column < g.input.width else {
                continue
              }
              let at = (row * g.input.width + column) * channels + c
              if winner < 0 || image[at] > best {
                best = image[at]
                winner = at
              }
            }
          }
          values.append(best)
          winners.append(winner)
        }
      }
    }
    return (values, winners)
  }

  func backward(_ image: [Double], gradient: [Double]) -> [Double] {
    var dx = [Double](repeating: 0, count: image.count)
    for (winner, g) in zip(forward(image).winners, gradient) { dx[winner] += g }
    return dx
  }
}

/// C = A·B, (rows, sum)·(sum, columns).
func plainProduct(
  _ a: [Double], _ b: [Double], rows: Int, sum: Int, columns: Int
) -> [Double] {
  var c = [Double](repeating: 0, count: rows * columns)
  a.withUnsafeBufferPointer { a in
    b.withUnsafeBufferPointer { b in
      c.withUnsafeMutableBufferPointer { c in
        for i in 0..<rows {
          for k in 0..<sum {
            let value = a[i * sum + k]
            for j in 0..<columns { c[i * columns + j] += value * b[k * columns + j] }
          }
        }
      }
    }
  }
  return c
}

func transposed(_ a: [Double], rows: Int, columns: Int) -> [Double] {
  (0..<rows * columns).map { a[$0 % rows * columns + $0 / rows] }
}

extension Activation {
  /// f and f′ in `Double`, for the functions that can end a convolution.
  func plain(_ x: Double) -> (value: Double, slope: Double) {
    switch self {
    case .linear: (x, 1)
    case .relu: x > 0 ? (x, 1) : (0, 0)
    case .leakyReLU(let slope): x > 0 ? (x, 1) : (Double(slope) * x, Double(slope))
    case .elu(let alpha):
      x > 0 ? (x, 1) : (Double(alpha) * (Foundation.exp(x) - 1), Double(alpha) * Foundation.exp(x))
    case .sigmoid: (sigmoid(x), sigmoid(x) * (1 - sigmoid(x)))
    case .tanh: (2 * sigmoid(2 * x) - 1, 4 * sigmoid(2 * x) * (1 - sigmoid(2 * x)))
    case .relu6: x > 0 && x < 6 ? (x, 1) : (min(max(x, 0), 6), 0)
    case .hardSigmoid: abs(x) < 3 ? (x / 6 + 0.5, 1.0 / 6) : (x < 0 ? 0 : 1, 0)
    case .softplus: (max(x, 0) + Foundation.log(1 + Foundation.exp(-abs(x))), sigmoid(x))
    case .gelu, .swish, .hardSwish, .mish, .softmax: preconditionFailure("never fused")
    }
  }

  private func sigmoid(_ x: Double) -> Double { 1 / (1 + Foundation.exp(-x)) }
}
