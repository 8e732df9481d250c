/// Letters of 6 x 13 points for text in pictures of pixels: Latin, Greek, Cyrillic and punctuation.
///
/// The drawings are those of the X Window System's `fixed`, misc-fixed 6x13, which is in the public domain.
public enum BitmapFont {
  public static let width = 6
  public static let height = 13

  /// The points (x, y) of a text's letters; what cannot be written has none.
  package static func points(of text: String) -> [(x: Int, y: Int)] {
    var points: [(x: Int, y: Int)] = []
    for (place, character) in text.enumerated() {
      guard let glyph = glyphs[character] else { continue }
      for (y, row) in glyph.enumerated() {
        for x in 0..<width where row & (1 << (width - 1 - x)) != 0 {
          points.append((place * width + x, y))
        }
      }
    }
    return points
  }

  /// Whether every letter of a text has a drawing.
  public static func canWrite(_ text: String) -> Bool { text.allSatisfy { glyphs[$0] != nil } }

  /// By letter, whichever way it is composed: a row's points from left to right, the leftmost in the
  /// highest of six bits.
  private static let glyphs: [Character: [UInt8]] = {
    let rows = drawings.utf8.filter { $0 != UInt8(ascii: "\n") }.map(sixBits)
    let scalars = ranges.joined().map { Character(Unicode.Scalar($0)!) }
    return Dictionary(
      uniqueKeysWithValues: scalars.enumerated().map { place, character in
        (character, Array(rows[place * height..<(place + 1) * height]))
      }.filter { $0.0 == " " || $0.1.contains { $0 != 0 } })
  }()

  /// As base64 numbers them.
  private static func sixBits(_ character: UInt8) -> UInt8 {
    switch character {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): character - UInt8(ascii: "A")
    case UInt8(ascii: "a")...UInt8(ascii: "z"): character - UInt8(ascii: "a") + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0") + 52
    case UInt8(ascii: "+"): 62
    default: 63
    }
  }

  private static let ranges: [ClosedRange<UInt32>] = [
    0x20...0x7E, 0xA0...0x17F, 0x388...0x3CE, 0x400...0x45F, 0x2010...0x2026,
  ]

  /// Thirteen rows a letter, each a digit of base64.
  private static let drawings = """
    AAAAAAAAAAAAAAAIIIIIIIAIAAAAUUUAAAAAAAAAAAUU+U+UUAAAAAIeoocKK8IAAAASqUEIQUqkAAAAAQooQomkaAA
    AAIIIAAAAAAAAAEIIQQQQQIIEAAQIIEEEEEIIQAAAIqcqIAAAAAAAAAAII+IIAAAAAAAAAAAAAMIQAAAAAAA+AAAAAA
    AAAAAAAAAIcIAAACCEEIQQggAAAAIUiiiiiUIAAAAIYoIIIII+AAAAciiCEIQg+AAAA+CEIcCCicAAAAEEMUUk+EEAA
    AA+ggsyCCicAAAAcigg8iiicAAAA+CEEIIQQQAAAAciiiciiicAAAAciiieCCicAAAAAAIcIAAIcIAAAAAIcIAAMIQA
    AACEIQgQIECAAAAAAA+AA+AAAAAAgQIECEIQgAAAAciiCEIIAIAAAAciimqqsgeAAAAIUiii+iiiAAAA8SSScSSS8AA
    AAcigggggicAAAA8SSSSSSS8AAAA+ggg8ggg+AAAA+ggg8ggggAAAAcigggmiicAAAAiiii+iiiiAAAAcIIIIIIIcAA
    AAOEEEEEEkYAAAAiikowokiiAAAAgggggggg+AAAAii2qqiiiiAAAAiyyqqmmiiAAAAciiiiiiicAAAA8iii8ggggAA
    AAciiiiiiqcCAAA8iii8okiiAAAAciggcCCicAAAA+IIIIIIIIAAAAiiiiiiiicAAAAiiiiUUUIIAAAAiiiiqqqqUAA
    AAiiUUIUUiiAAAAiiUUIIIIIAAAA+CEEIQQg+AAAcQQQQQQQQQcAAAggQQIEECCAAAcEEEEEEEEEcAAAIUiAAAAAAAA
    AAAAAAAAAAA+AAIEAAAAAAAAAAAAAAAcCeimaAAAAggg8iiii8AAAAAAAciggicAAAACCCeiiiieAAAAAAAci+gicAA
    AAMSQQ8QQQQAAAAAAAciiieCicAAgggsyiiiiAAAAAIAYIIIIcAAAAAEAMEEEEkkYAAgggkowokiAAAAYIIIIIIIcAA
    AAAAA0qqqqiAAAAAAAsyiiiiAAAAAAAciiiicAAAAAAA8iii8gggAAAAAeiiieCCCAAAAAsyggggAAAAAAAciYEicAA
    AAAQQ8QQQSMAAAAAAAiiiimaAAAAAAAiiiUUIAAAAAAAiiqqqUAAAAAAAiUIIUiAAAAAAAiiimaCicAAAAA+EIQg+AA
    AGIIIIwIIIIGAAAIIIIIIIIIAAAwIIIIGIIIIwAAASqkAAAAAAAAAAAAAAAAAAAAAAAIAIIIIIIIAAAAIcqooqcIAAA
    AAMSQQ4QQSsAAAAAAicUUciAAAAAiiUU+I+IIAAAAIIIIAIIIIAAAMSQMSSMCSMAAAUUAAAAAAAAAAAciq2y2qicAAA
    AAcCeieA+AAAAAAAAKUooUKAAAAAAAAA+CCAAAAAAAAAAcAAAAAAAci62262icAAAAA+AAAAAAAAAAAAMSSMAAAAAAA
    AAAII+IIA+AAAAQoIQ4AAAAAAAAQoQIwAAAAAAAAEIAAAAAAAAAAAAAAAiiiim6ggAAe6666aKKKAAAAAAAAMAAAAAA
    AAAAAAAAAAAEIAQwQQ4AAAAAAAAAciiicA+AAAAAAAAoUKKUoAAAAQwQQ4CGKOCAAAQwQQ4EKCEOAAAQoQIoSGKOCAA
    AAIAIIQgiicAAAQIAIUii+iiAAAEIAIUii+iiAAAMSAIUii+iiAAAKUAIUii+iiAAAUUAIUii+iiAAAIUIIUii+iiAA
    AAWooos4oouAAAAcigggggicIQAQIA+gg8gg+AAAEIA+gg8gg+AAAMSA+gg8gg+AAAUUA+gg8gg+AAAQIAcIIIIIcAA
    AEIAcIIIIIcAAAMSAcIIIIIcAAAUUAcIIIIIcAAAA8SSS6SSS8AAAKUAiiyqmiiAAAQIAciiiiicAAAEIAciiiiicAA
    AMSAciiiiicAAAKUAciiiiicAAAUUAciiiiicAAAAAAAiUIUiAAAACcmmqqqyycgAAQIAiiiiiicAAAEIAiiiiiicAA
    AMSAiiiiiicAAAUUAiiiiiicAAAEIAiiUIIIIAAAAg8iii8gggAAAAYkkookiisAAAAQIAcCeimaAAAAEIAcCeimaAA
    AAMSAcCeimaAAAAKUAcCeimaAAAAUUAcCeimaAAAMSMAcCeimaAAAAAAAcKcoqUAAAAAAAciggicIQAAQIAci+gicAA
    AAEIAci+gicAAAAMSAci+gicAAAAUUAci+gicAAAAQIAYIIIIcAAAAEIAYIIIIcAAAAMSAYIIIIcAAAAUUAYIIIIcAA
    AUIYEciiiicAAAAKUAsyiiiiAAAAQIAciiiicAAAAEIAciiiicAAAAMSAciiiicAAAAKUAciiiicAAAAUUAciiiicAA
    AAAIIA+AIIAAAAAAACcmqqycgAAAQIAiiiimaAAAAEIAiiiimaAAAAMSAiiiimaAAAAUUAiiiimaAAAAEIAiiimaCic
    AAAggsyiiysggAAUUAiiimaCicA+AIUii+iiiAAAAA+AcCeimaAAAicAIUii+iiAAAAicAcCeimaAAAAIUiii+iiiCB
    AAAAAcCeimaCBAEIAcigggicAAAAEIAciggicAAAMSAcigggicAAAAMSAciggicAAAIIAcigggicAAAAIIAciggicAA
    ASMAcigggicAAAASMAciggicAAASMA8SSSSS8AASMACCeiiiieAAAA8SSS6SSS8AAAACHCeiiiieAAA+A+gg8ggg+AA
    AAA+Aci+gicAAAicA+gg8gg+AAAAicAci+gicAAAIIA+gg8gg+AAAAIIAci+gicAAAA+ggg8ggg+IEAAAAAci+gicIE
    ASMA+gg8gg+AAAASMAci+gicAAAMSAciggmicAAAAMSAciiieCicAicAciggmicAAAAicAciiieCicAIIAciggmicAA
    AAIIAciiieCicAAcigggmiicIQAEIYAciiieCicAMSAiii+iiiAAAMSAggsyiiiAAAAii+i+iiiiAAAAg8gsyiiiiAA
    AKUAcIIIIIcAAAAUoAYIIIIcAAA+AcIIIIIIcAAAAA+AYIIIIcAAAicAcIIIIIcAAAAicAYIIIIcAAAAcIIIIIIIcIE
    AAAIAYIIIIcIEAIIAcIIIIIcAAAAAAAYIIIIcAAAA3iiiiiiq0AAAAASA2SSSS6SMAMSAOEEEEkYAAAAMSAMEEEEkkY
    AAiikowokiiQgAAgggkowokiQgAAAAAiko4kiAAAQgAgggggg+AAEIAYIIIIIIcAAAAgggggggg+IQAAYIIIIIIIcIQ
    AkYAQQQQQQeAAkYAYIIIIIIcAAAAgggkkggg+AAAAYIIKKIIIcAAAAQQYQwQQQeAAAAYIMIYIIIcAAAEIAiyyqmmiAA
    AAEIAsyiiiiAAAAiyyqqmmiiQgAAAAAsyiiiiQgASMAiyyqmmiAAAASMAsyiiiiAAAwQgAsyiiiiAAAAiyyqqmmiiKE
    AAAAAsyiiiiKEA+AciiiiiicAAAAA+AciiiicAAAicAciiiiicAAAAicAciiiicAAASkAciiiiicAAAASkAciiiicAA
    AAeooosoooeAAAAAAAUquoqUAAAEIA8ii8kiiAAAAEIAsyggggAAAA8iii8okiiQgAAAAAsyggggQgAkYA8ii8kiiAA
    AAkYAsyggggAAAEIAcigcCicAAAAEIAciYEicAAAMSAcigcCicAAAAMSAciYEicAAAAciggcCCicIQAAAAAciYEicIQ
    ASMAcigcCicAAAAkYAciYEicAAAA+IIIIIIIIEIAAAQQ8QQQSMIQASMA+IIIIIIAAAkYAQ8QQQSMAAAA+IIcIIIIIAA
    AAAQQ8Q4QSMAAAKUAiiiiiicAAAAKUAiiiimaAAA+AiiiiiiicAAAAA+AiiiimaAAAicAiiiiiicAAAAicAiiiimaAA
    IUIAiiiiiicAAAIUIAiiiimaAAASkAiiiiiicAAAASkAiiiimaAAAAiiiiiiiicIEAAAAAiiiimaIEAMSAiiiqq2iAA
    AAMSAiiqqqUAAAMSAiUUIIIIAAAAMSAiiimaCicAUUAiUUIIIIAAAEIA+CEIQg+AAAAEIA+EIQg+AAAIIA+CEIQg+AA
    AAIIA+EIQg+AAASMA+CEIQg+AAAASMA+EIQg+AAAAMSQQwQQQQAAAAeoIIMIIIOAAAAaqKKOKKKKAAAAekEEEEEEOAA
    AAAAAAAAAAAAAAAUqKKKKKKEAAAAAAAAAAAAAAAAAaqKKEEEEEAAAAUqKKKKEEKAAAEI2AIIIIKEAAAAIUiii+iiiAA
    AA8iii8iii8AAAA+ggggggggAAAAIIUUUiii+AAAA+ggg8ggg+AAAA+CEEIQQg+AAAAiiii+iiiiAAAAciii+iiicAA
    AAcIIIIIIIcAAAAiikowokiiAAAAIIUUUiiiiAAAAii2qqiiiiAAAAiyyqqmmiiAAAA+AAAcAAA+AAAAciiiiiiicAA
    AA+iiiiiiiiAAAA8iii8ggggAAAAAAAAAAAAAAAAA+gQIEIQg+AAAA+IIIIIIIIAAAAiiUUIIIIIAAAAIcqqqqcIIAA
    AAiiUUIUUiiAAAAqqqqqcIIIAAAAciiiiiUU2AAA2AcIIIIIIcAAA2AiUUIIIIIAAAAEIAciiimaAAAAEIAciYgicAA
    AAEIAsyiiiiCCAAIQAQQQQUIAAAEI2AiiiiicAAAAAAAciiimaAAAAYkk8iiiysggAAAAAiiiUUIIIAAciQciiiicAA
    AAAAAciYgicAAAA+IQQggggcCEAAAAAsyiiiiCCAAYkkk8kkkYAAAAAAAQQQQUIAAAAAAAiko4kiAAAAciCamiiiiAA
    AAAAAiiiim6ggAAAAAiiiUUIAAAA+IQQMQggcCEAAAAAciiiicAAAAAAA+UUUUUAAAAAAAciiii8ggAAAAAcigggcCM
    AAAAAekiiicAAAAAAA+IIIIEAAAAAAAiiiiicAAAAAAAsqqqqcIIAAAAAiUUIIUUiAAAAAqqqqqcIIAAAAAiqqqqUAA
    AAA2AIIIIKEAAAAA2AiiiiicAAAAEIAciiiicAAAAEIAiiiiicAAAAEIAiqqqqUAAAQIA+gg8gg+AAAUUA+gg8gg+AA
    AA+IIMKKKKKCEAIQA+igggggAAAAOQgg8ggQOAAAAciggcCCicAAAAcIIIIIIIcAAAUUA+IIIII+AAAAOEEEEEEkYAA
    AAYooosqqqsAAAAoooo8qqqsAAAA+IIMKKKKKAAEIiikowokiiAAAQIAimmqyyiAAAicAiiieCCcAAAAiiiiiiii+II
    AAIUiii+iiiAAAA8ggg8iii8AAAA8iii8iii8AAAA+igggggggAAAAMUUUUUUU+iAAA+ggg8ggg+AAAAqqqcIcqqqAA
    AAciCCMCCicAAAAiimmqqyyiAAAicAimmqyyiAAAAiikowokiiAAAAOSSSSSSiiAAAAi22qqiiiiAAAAiiii+iiiiAA
    AAciiiiiiicAAAA+iiiiiiiiAAAA8iiii8gggAAAAcigggggicAAAA+IIIIIIIIAAAAiiiiieCicAAAAIcqqqqcIIAA
    AAiiUUIUUiiAAAAkkkkkkkk+CCAAiiiieCCCCAAAAqqqqqqqq+AAAAqqqqqqqq+CCAAwQQQcSSScAAAAiii6mmmm6AA
    AAgggg8iii8AAAA4ECCeCCE4AAAAkqqq6qqqkAAAAeiiieKSiiAAAAAAAcCeimaAAAACcg8iiiicAAAAAAA8i8ii8AA
    AAAAA+iggggAAAAAAAMUUUU+iAAAAAAci+gicAAAAAAAqqccqqAAAAAAAciMCicAAAAAAAiimqyiAAAAicAiimqyiAA
    AAAAAik4kiiAAAAAAAOSSSSiAAAAAAAi2qqiiAAAAAAAii+iiiAAAAAAAciiiicAAAAAAA+iiiiiAAAAAAA8iii8ggg
    AAAAAciggicAAAAAAA+qIIIIAAAAAAAiiimaCicAAAIIcqqqqcIIAAAAAiUIUiiAAAAAAAkkkkk+CCAAAAAiiieCCAA
    AAAAAqqqqq+AAAAAAAqqqqq+CCAAAAAwQcSScAAAAAAAii6mm6AAAAAAAgg8ii8AAAAAAA8COCC8AAAAAAAkqq6qkAA
    AAAAAeiieSiAAAAQIAci+gicAAAAUUAci+gicAAAAQ4QUaSSSSCEAAIQA+iggggAAAAAAAeg4ggeAAAAAAAciYEicAA
    AAAIAYIIIIcAAAAUUAYIIII+AAAAAEAMEEEEkkYAAAAAYosqqsAAAAAAAoo8qqsAAAAQ4QUaSSSSAAAAIQAik4kiiAA
    AAQIAiimqyiAAAAicAiiimaCicAAAAAiiiii+IIAAAAAAcAAAAAAAAAAAAcAAAAAAAAAAAA+AAAAAAAAAAAA+AAAAAA
    AAAAAA/AAAAAAAAAAAA/AAAAAAAAUUUUUUUUUAAAAAAAAAAAA+A+AAEIMAAAAAAAAAAMEIAAAAAAAAAAAAAAAAAMEIA
    AAMIEAAAAAAAAAASk2AAAAAAAAAA2SkAAAAAAAAAAAAAAAAA2SkAAA2kSAAAAAAAAAAII+IIIIIIAAAAII+II+IIIAA
    AAAAc+++cAAAAAAAQYcecYQAAAAAAAAAAAAAIAAAAAAAAAAAAUAAAAAAAAAAAAqAA
    """
}
