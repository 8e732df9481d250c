// The layers that tell of themselves, `LayerForm`, in a network's memory.

extension NetworkBuilder {
  func addParameters(of layer: NetworkPlan.Layer, _ name: String) {
    for parameter in layer.description.form!.parameters(of: layer.input) {
      add(
        name, parameter.role, parameter.shape, rows: parameter.rows, columns: parameter.columns,
        l2: parameter.l2, regularization: parameter.regularization,
        source: .partials(offset: partials.reserve(parameter.count)))
    }
  }

  func initializeParameters(of layer: NetworkPlan.Layer, _ place: Int) throws(NetworkError) {
    for form in layer.description.form!.parameters(of: layer.input) {
      let parameter = parameters[index(place, form.role)!]
      let values = weights.base + parameter.offset
      switch form.initial {
      case .constant(let value): values.update(repeating: value, count: form.count)
      case .drawn(let initializer, let rows, let columns, let fanOut):
        try initializer.fill(
          values, rows: rows, columns: columns, fanOut: fanOut, seed: seed, layer: place)
      }
    }
  }

  func appendForm(
    _ layer: NetworkPlan.Layer, _ place: Int, from input: Activations, to output: Activations
  ) {
    let form = layer.description.form!
    var memory: [TensorInfo.Role: TiledParameter] = [:]
    for parameter in form.parameters(of: layer.input) {
      memory[parameter.role] = tiled(parameter, index(place, parameter.role)!)
    }
    let site = LayerSite(
      place: place, layer: layer, input: input, output: output, parameters: memory,
      batchSize: batchSize, workers: workers, seed: seed, workspaces: workspaces,
      arena: arena)
    append(form.make(site), place, output)
  }

  private func tiled(_ form: ParameterForm, _ index: Int) -> TiledParameter {
    guard case .partials(let offset) = parameters[index].source else {
      preconditionFailure("such a layer's gradients are sums of partials")
    }
    return TiledParameter(
      values: Matrix(
        weights.base + parameters[index].offset, rows: form.rows, columns: form.columns),
      transposed: form.wantsTransposed ? transposedKernel(index) : nil, partials: partials,
      offset: offset)
  }
}
