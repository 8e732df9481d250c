/// Sums and products of sizes; `Int.max` where they are more than can be counted.
public enum ByteCount {
  public static func sum(_ sizes: Int...) -> Int { sum(sizes) }

  public static func sum(_ sizes: [Int]) -> Int {
    sizes.reduce(0) { sum, size in
      let (value, overflow) = sum.addingReportingOverflow(size)
      return overflow ? .max : value
    }
  }

  public static func product(_ sizes: Int...) -> Int { product(sizes) }

  public static func product(_ sizes: [Int]) -> Int {
    if sizes.contains(0) { return 0 }
    return sizes.reduce(1) { product, size in
      precondition(size > 0)
      let (value, overflow) = product.multipliedReportingOverflow(by: size)
      return overflow ? .max : value
    }
  }
}
