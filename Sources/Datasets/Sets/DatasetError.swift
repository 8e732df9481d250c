import Storage

/// A dataset that cannot be had: `unavailable` where it is neither on disk nor at any mirror, for which
/// a spec may name a substitute.
public typealias DatasetError = InputError
