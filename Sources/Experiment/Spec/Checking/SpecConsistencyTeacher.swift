import ConvNet
import Storage

// What a training is taught by, against the network that it is for and, where they have been read, the models
// that they are.

extension SpecChecker {
  mutating func checkTeacher(_ spec: JSONValue, _ plan: NetworkPlan) {
    guard let section = spec["teacher"], !section.isNull,
      let teacher = SpecDescription.teacher.decode(section)
    else { return }
    let path = Path() + "teacher"
    if let digests = teacher.weightsDigests, digests.count != teacher.models.count {
      report(
        at: path + "weights_sha256",
        "\(counted(digests.count, "digest")) for \(counted(teacher.models.count, "model")); give one "
          + "for each")
    }
    if let features = spec["initial"]?["features"], !features.isNull {
      report(
        at: path,
        "of what initial.features keeps, no teacher sees an image; leave one of the two out")
    }
    for (place, model) in teachers.enumerated() {
      // A single one may be written without a list.
      let isListed = section["model"]?.array != nil
      func report(_ key: String, _ message: String) {
        let path = path + key
        self.report(at: isListed ? path + place : path, message)
      }
      let (there, own) = (model.file.model.plan.description, plan.description)
      if let digests = teacher.weightsDigests, digests.indices.contains(place),
        digests[place] != model.file.weightsDigest
      {
        report(
          "weights_sha256",
          "the weights of \(model.path) are \(model.file.weightsDigest.prefix(12))…, not these: it has "
            + "changed, or is another model")
      }
      if there.input != own.input {
        report(
          "model", "\(model.path) takes images of \(there.input), and they are \(own.input) here")
      } else if there.classes != own.classes {
        report(
          "model",
          "\(model.path) tells \(there.classes) classes apart, and there are \(own.classes) here")
      }
    }
  }
}
