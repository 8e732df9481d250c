/// What of a level a look may spend when a stream is looked at again and again, without an end that was
/// agreed on: α/k(k + 1) for the k-th look, which sum to α. By the union bound the chance that any look
/// errs is at most α, however the looks depend on one another. They do, for all are held against one
/// reference; a martingale of their p-values, which takes each look for a new experiment, would in the
/// end find out that the reference is itself but a sample.
///
/// Alpha-spending for streams of hypotheses: J. Tian and A. Ramdas, "Online control of the familywise error
/// rate", Statistical Methods in Medical Research 30, 2021; after D. Foster and R. Stine (2008) and
/// K. Lan and D. DeMets (1983).
public enum AlphaSpending {
  /// - Parameter look: from 1.
  public static func level(look: Int, alpha: Double) -> Double {
    precondition(look >= 1)
    return alpha / (Double(look) * Double(look + 1))
  }
}
