import TestSupport
import Testing

@testable import ConvNet

/// `gemm` against a plain product, across the sizes at which it cuts.
@Suite struct ProductTests {
  init() { BLAS.useOneThread() }

  struct Case: CustomTestStringConvertible {
    let rows: Int
    let sum: Int
    let columns: Int
    var testDescription: String { "\(rows)x\(sum) by \(sum)x\(columns)" }
  }

  static let small = [
    Case(rows: 1, sum: 1, columns: 1), Case(rows: 7, sum: 5, columns: 3),
    Case(rows: 17, sum: 33, columns: 19), Case(rows: 64, sum: 9, columns: 32),
    Case(rows: 3, sum: 130, columns: 10),
  ]

  /// More than a million multiply-adds: cut along the rows; along the sum and the columns, where
  /// rows are few and a row's product is large; not cut, where nothing is short enough.
  static let large = [
    Case(rows: 403, sum: 60, columns: 50), Case(rows: 37, sum: 1300, columns: 110),
    Case(rows: 37, sum: 110, columns: 1300), Case(rows: 5, sum: 1210, columns: 1190),
    Case(rows: 70, sum: 410, columns: 70), Case(rows: 360, sum: 9, columns: 350),
  ]

  @Test(arguments: small + large) func everyTranspose(_ c: Case) {
    for left in [false, true] {
      for right in [false, true] {
        check(c, left: left, right: right, slack: 0, accumulate: false)
        check(c, left: left, right: right, slack: 3, accumulate: true)
      }
    }
  }

  /// Stored with rows `slack` floats apart; what lies between them must stay.
  private func check(_ c: Case, left: Bool, right: Bool, slack: Int, accumulate: Bool) {
    func stored(_ rows: Int, _ columns: Int, seed: UInt64) -> (Buffer, Matrix, [Double]) {
      let stride = columns + slack
      let buffer = Buffer(rows * stride)
      let values = randomFloats(rows * stride, seed: seed)
      for i in values.indices { buffer.base[i] = values[i] }
      var dense: [Double] = []
      dense.reserveCapacity(rows * columns)
      for row in 0..<rows {
        for column in 0..<columns { dense.append(Double(values[row * stride + column])) }
      }
      return (
        buffer, Matrix(buffer.base, rows: rows, columns: columns, stride: stride), dense
      )
    }
    let (aMemory, a, aValues) =
      left ? stored(c.sum, c.rows, seed: 1) : stored(c.rows, c.sum, seed: 1)
    let (bMemory, b, bValues) =
      right ? stored(c.columns, c.sum, seed: 2) : stored(c.sum, c.columns, seed: 2)
    let (target, product, before) = stored(c.rows, c.columns, seed: 3)
    let untouched = Array(target.all)
    withExtendedLifetime((aMemory, bMemory)) {
      gemm(left ? a.transposed : a, right ? b.transposed : b, into: product, accumulate: accumulate)
    }
    let aRows = left ? transposed(aValues, rows: c.sum, columns: c.rows) : aValues
    let bRows = right ? transposed(bValues, rows: c.columns, columns: c.sum) : bValues
    var actual: [Float] = []
    actual.reserveCapacity(c.rows * c.columns)
    let stride = c.columns + slack
    for row in 0..<c.rows {
      for column in 0..<stride {
        let value = target.base[row * stride + column]
        if column < c.columns {
          actual.append(value)
        } else if value != untouched[row * stride + column] {
          Issue.record("wrote between rows at \(row), \(column)")
          return
        }
      }
    }
    let name = "\(left ? "T" : "N")\(right ? "T" : "N") \(slack)"
    if c.rows * c.sum * c.columns < 100_000 {
      var expected = plainProduct(aRows, bRows, rows: c.rows, sum: c.sum, columns: c.columns)
      if accumulate { for i in expected.indices { expected[i] += before[i] } }
      expectClose(actual, expected, within: 2e-6, name)
      return
    }
    // (A·B)·v = A·(B·v) for a random v (Freivalds 1977).
    let v = doubles(randomFloats(c.columns, seed: 4))
    let times = { (matrix: [Double], vector: [Double]) in
      plainProduct(
        matrix, vector, rows: matrix.count / vector.count, sum: vector.count, columns: 1)
    }
    var expected = times(aRows, times(bRows, v))
    if accumulate {
      for (i, value) in times(before, v).enumerated() { expected[i] += value }
    }
    expectClose(times(doubles(actual), v).map(Float.init), expected, within: 4e-6, name)
  }

  @Test func emptyProducts() {
    let memory = Buffer(4)
    memory.base[0] = 5
    gemm(
      Matrix(memory.base, rows: 0, columns: 2), Matrix(memory.base, rows: 2, columns: 2),
      into: Matrix(memory.base, rows: 0, columns: 2))
    #expect(memory.base[0] == 5)
  }

  /// With the small-matrix kernel a row of A·B does not depend on the rows around it: this is what
  /// lets an evaluation be cut anywhere.
  @Test(
    .enabled(if: BLAS.prefersSmallProducts),
    arguments: [
      Case(rows: 70, sum: 9, columns: 32), Case(rows: 70, sum: 288, columns: 64),
      Case(rows: 70, sum: 1600, columns: 64), Case(rows: 70, sum: 1600, columns: 128),
      Case(rows: 33, sum: 64, columns: 10), Case(rows: 40, sum: 9216, columns: 128),
      Case(rows: 40, sum: 120, columns: 1300),
    ])
  func rowsStandAlone(_ c: Case) {
    let a = Buffer(c.rows * c.sum)
    let b = Buffer(c.sum * c.columns)
    for (i, value) in randomFloats(a.count, seed: 1).enumerated() { a.base[i] = value }
    for (i, value) in randomFloats(b.count, seed: 2).enumerated() { b.base[i] = value }
    func product(_ rows: Range<Int>) -> [UInt32] {
      let result = Buffer(rows.count * c.columns)
      gemm(
        Matrix(a.base + rows.lowerBound * c.sum, rows: rows.count, columns: c.sum),
        Matrix(b.base, rows: c.sum, columns: c.columns),
        into: Matrix(result.base, rows: rows.count, columns: c.columns))
      return bits(result.all)
    }
    let whole = product(0..<c.rows)
    for rows in [0..<1, 1..<2, 3..<8, 5..<c.rows, 0..<c.rows - 1, c.rows - 1..<c.rows] {
      #expect(
        product(rows) == Array(whole[rows.lowerBound * c.columns..<rows.upperBound * c.columns]),
        "rows \(rows)")
    }
  }

  /// … but for some numbers of columns, where it doesn't depend on its place in a tile worked out in full.
  @Test(.enabled(if: BLAS.prefersSmallProducts), arguments: [31, 32, 100, 320])
  func rowsStandAloneByColumns(sum: Int) {
    for columns in 1...70 {
      let a = Buffer(Tile.wideSize * sum)
      let b = Buffer(sum * columns)
      let row = randomFloats(sum, seed: 1)
      for i in 0..<a.count { a.base[i] = row[i % sum] }
      for (i, value) in randomFloats(b.count, seed: 2).enumerated() { b.base[i] = value }
      func product(_ rows: Int) -> Set<[UInt32]> {
        let result = Buffer(rows * columns)
        gemm(
          Matrix(a.base, rows: rows, columns: sum), Matrix(b.base, rows: sum, columns: columns),
          into: Matrix(result.base, rows: rows, columns: columns))
        let all = bits(result.all)
        return Set((0..<rows).map { Array(all[$0 * columns..<($0 + 1) * columns]) })
      }
      let (tile, wide) = (product(Tile.size), product(Tile.wideSize))
      #expect(tile.count == 1 && wide.count == 1, "\(columns) columns")
      guard BLASCore.rowsAreApart(sum: sum, columns: columns) else { continue }
      for rows in 1...9 { #expect(product(rows) == tile, "\(rows) rows, \(columns) columns") }
    }
  }

  /// … and is a chain of fused multiply-adds in the order of the sum.
  @Test(.enabled(if: BLAS.prefersSmallProducts))
  func elementsAreChains() {
    let c = Case(rows: 23, sum: 288, columns: 64)
    let a = Buffer(c.rows * c.sum)
    let b = Buffer(c.sum * c.columns)
    let result = Buffer(c.rows * c.columns)
    for (i, value) in randomFloats(a.count, seed: 1).enumerated() { a.base[i] = value }
    for (i, value) in randomFloats(b.count, seed: 2).enumerated() { b.base[i] = value }
    gemm(
      Matrix(a.base, rows: c.rows, columns: c.sum),
      Matrix(b.base, rows: c.sum, columns: c.columns),
      into: Matrix(result.base, rows: c.rows, columns: c.columns))
    for i in 0..<c.rows {
      for j in 0..<c.columns {
        var chain: Float = 0
        for k in 0..<c.sum {
          chain = a.base[i * c.sum + k].fused(b.base[k * c.columns + j], chain)
        }
        #expect(result.base[i * c.columns + j] == chain)
      }
    }
  }

  /// For AVX2, four rows have the bits that they have among eight, whatever their place.
  @Test(
    .enabled(if: ["HASWELL", "ZEN"].contains(BLASCore.current)), arguments: [3, 32, 100, 320, 1600])
  func rowsStandByFour(sum: Int) {
    let (a, reversed) = (Buffer(Tile.size * sum), Buffer(Tile.size * sum))
    for (i, value) in randomFloats(a.count, seed: 1).enumerated() {
      a.base[i] = value
      reversed.base[(Tile.size - 1 - i / sum) * sum + i % sum] = value
    }
    for columns in Array(1...70) + [128, 256, 320, 321, 500] {
      let b = Buffer(sum * columns)
      for (i, value) in randomFloats(b.count, seed: 2).enumerated() { b.base[i] = value }
      func product(_ a: Buffer, _ rows: Range<Int>) -> [[UInt32]] {
        let result = Buffer(rows.count * columns)
        gemm(
          Matrix(a.base + rows.lowerBound * sum, rows: rows.count, columns: sum),
          Matrix(b.base, rows: sum, columns: columns),
          into: Matrix(result.base, rows: rows.count, columns: columns))
        let all = bits(result.all)
        return (0..<rows.count).map { Array(all[$0 * columns..<($0 + 1) * columns]) }
      }
      let tile = product(a, 0..<Tile.size)
      #expect(product(reversed, 0..<Tile.size) == tile.reversed(), "\(columns) columns")
      let few = BLASCore.rowsTogether(sum: sum, columns: columns)
      #expect(few == (columns <= 320 ? 4 : Tile.size))
      for first in 0...Tile.size - few {
        #expect(
          product(a, first..<first + few) == Array(tile[first..<first + few]), "\(columns) columns")
      }
    }
  }

  @Test func theKernelIsChecked() throws {
    try BLASCore.check()
    #expect(BLAS.prefersSmallProducts == (BLASCore.current == "SKYLAKEX"))
  }
}
