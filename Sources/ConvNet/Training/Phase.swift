// The order in which the workers of a team go through the layers, forward and back.

/// One thing that a worker does to a tile.
enum Operation {
  case fill
  /// What teachers make of the images, if there are any.
  case teach
  case forward(Int)
  case gather(Int)
  case loss
  case gatherBackward(Int)
  case backward(Int)
}

/// What a team does between two meetings of its workers.
enum Phase {
  case tiles([Operation], size: Int)
  case settle(Int)
  case settleBackward(Int)

  /// A training step up to the update. A tile goes through as many layers as it can, forward and
  /// back, before the workers meet.
  static func training(_ layers: [BuiltLayer]) -> [Phase] {
    var phases: [Phase] = []
    var operations: [Operation] = [.fill, .teach]
    func meet(_ phase: Phase) {
      if !operations.isEmpty { phases.append(.tiles(operations, size: Tile.size)) }
      operations = []
      phases.append(phase)
    }
    for (i, layer) in layers.enumerated() {
      if layer.layer.isWide {
        meet(.tiles([.forward(i)], size: Tile.wideSize))
        continue
      }
      if layer.layer is any BatchCoupledLayer {
        operations.append(.gather(i))
        meet(.settle(i))
      }
      operations.append(.forward(i))
    }
    operations.append(.loss)
    for (i, layer) in layers.enumerated().reversed() where layer.output.hasGradient {
      if layer.layer.isWide {
        meet(.tiles([.backward(i)], size: Tile.wideSize))
        continue
      }
      if layer.layer is any BatchCoupledLayer {
        operations.append(.gatherBackward(i))
        meet(.settleBackward(i))
      }
      operations.append(.backward(i))
    }
    if !operations.isEmpty { phases.append(.tiles(operations, size: Tile.size)) }
    return phases
  }
}
