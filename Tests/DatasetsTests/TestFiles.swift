import ConvNet
import Foundation

@testable import Datasets

/// The bytes of an IDX file.
func idx(_ dimensions: [Int], type: UInt8 = 8, content: [UInt8]) -> [UInt8] {
  var bytes: [UInt8] = [0, 0, type, UInt8(dimensions.count)]
  for d in dimensions {
    for shift in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: d >> shift)) }
  }
  return bytes + content
}

/// A small set of images of bytes that vary.
func smallSet(
  _ count: Int, height: Int = 4, width: Int = 3, channels: Int = 1, classes: Int = 10
) -> ImageSet {
  ImageSet(
    height: height, width: width, channels: channels, classes: classes,
    pixels: (0..<count * height * width * channels).map { UInt8(truncatingIfNeeded: $0 &* 37) },
    labels: Labels((0..<count).map { $0 * 7 % classes }))
}

/// Where the real MNIST lies, when it is on this machine.
let realMNIST: DatasetLocator? = {
  let locator = DatasetLocator(
    dataFolder: nil, environment: ProcessInfo.processInfo.environment, currentFolder: ".")
  return locator.locate(DatasetCatalog.mnist).0 == nil ? nil : locator
}()
