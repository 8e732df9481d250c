// How a model is written: layers in a row, blocks of them, and names to read from.

/// One item of a model: a layer, or a block of items. It reads what the item before it gives, the
/// first of a list what the block reads, unless `inputs` names others.
///
/// A name is seen by what comes after it in its own list and in the lists within that one. The name
/// `input` is that of the images.
public struct ModelItem: Hashable, Sendable {
  public enum Content: Hashable, Sendable {
    case layer(LayerDescription)
    case separable(SeparableConv2DDescription)
    case residual(ResidualDescription)
    case branch(BranchDescription)
    /// The items one after another, `times` times.
    case repeated(times: Int, [ModelItem])
  }

  public var content: Content
  public var name: String?
  /// The names of what it reads; none for the item before.
  public var inputs: [String]

  public init(_ content: Content, name: String? = nil, inputs: [String] = []) {
    self.content = content
    self.name = name
    self.inputs = inputs
  }

  /// What the images are called.
  public static let imagesName = "input"
}

/// A residual block (He, Zhang, Ren and Sun 2015):
///
///     y = f(F(x) + S(x))
///
/// F the layers and S the shortcut. A plan refuses (`NetworkError`) shapes of F and S that differ, and
/// more than one input.
public struct ResidualDescription: Hashable, Sendable {
  public var layers: [ModelItem]
  /// Empty for the identity.
  public var shortcut: [ModelItem]
  public var activation: Activation
  public init(
    layers: [ModelItem], shortcut: [ModelItem] = [], activation: Activation = .linear
  ) {
    self.layers = layers
    self.shortcut = shortcut
    self.activation = activation
  }
}

/// Several lists of items that read the same, and what makes one of what they give (Szegedy et al.
/// 2015):
///
///     y = merge(B₁(x), B₂(x), …)
///
/// An empty list gives what it reads. A plan refuses (`NetworkError`) shapes that the merge refuses, and
/// more than one input.
public struct BranchDescription: Hashable, Sendable {
  public var branches: [[ModelItem]]
  public var merge: MergeDescription
  public init(_ branches: [[ModelItem]], merge: MergeDescription) {
    self.branches = branches
    self.merge = merge
  }
}

/// How tensors become one. A plan refuses (`NetworkError`) fewer than two, and shapes that do not fit.
public enum Merge: String, Hashable, Sendable, CaseIterable {
  /// Σ xᵢ, element by element, of equal shapes (Keras's `Add`).
  case add
  /// [x₁, x₂, …]: their channels, one after another, of shapes that are equal but for those (Keras's
  /// `Concatenate` over the last axis).
  case concat
  /// Π xᵢ, element by element; a size of 1 serves all of the others' (Keras's `Multiply`), and a vector
  /// is as an image of 1x1.
  case multiply
}

/// Several tensors made one, y = f(merge(x₁, x₂, …)), by default with f(x) = x.
public struct MergeDescription: Hashable, Sendable {
  public var merge: Merge
  public var activation: Activation
  public init(_ merge: Merge, activation: Activation = .linear) {
    self.merge = merge
    self.activation = activation
  }
}

extension ModelItem {
  public static func layer(
    _ layer: LayerDescription, name: String? = nil, inputs: [String] = []
  ) -> ModelItem {
    ModelItem(.layer(layer), name: name, inputs: inputs)
  }

  public static func residual(
    _ layers: [ModelItem], shortcut: [ModelItem] = [], activation: Activation = .linear,
    name: String? = nil, inputs: [String] = []
  ) -> ModelItem {
    ModelItem(
      .residual(
        ResidualDescription(layers: layers, shortcut: shortcut, activation: activation)),
      name: name, inputs: inputs)
  }

  public static func branch(
    _ branches: [[ModelItem]], merge: Merge, activation: Activation = .linear,
    name: String? = nil, inputs: [String] = []
  ) -> ModelItem {
    ModelItem(
      .branch(BranchDescription(branches, merge: MergeDescription(merge, activation: activation))),
      name: name, inputs: inputs)
  }

  public static func repeated(
    _ times: Int, _ layers: [ModelItem], name: String? = nil, inputs: [String] = []
  ) -> ModelItem {
    ModelItem(.repeated(times: times, layers), name: name, inputs: inputs)
  }
}

/// Where a layer stands in a model: `model[2].layers[0]`, or `model[2]#3.layers[0]` in the third
/// turn of a repeat.
public struct LayerPlace: Hashable, Sendable, CustomStringConvertible {
  public enum Step: Hashable, Sendable {
    case key(String)
    case index(Int)
    case turn(Int)
  }

  public var steps: [Step]

  public init(steps: [Step] = [.key("model")]) { self.steps = steps }

  package static func + (place: LayerPlace, step: Step) -> LayerPlace {
    LayerPlace(steps: place.steps + [step])
  }

  public var description: String {
    var text = ""
    for step in steps {
      switch step {
      case .key(let key): text += text.isEmpty ? key : ".\(key)"
      case .index(let index): text += "[\(index)]"
      case .turn(let turn): text += "#\(turn)"
      }
    }
    return text
  }
}
