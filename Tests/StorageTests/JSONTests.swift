import Testing

@testable import Storage

/// What a strict parser must take (`y_`) and must refuse (`n_`), by the names and in the manner of
/// Nicolas Seriot's JSONTestSuite ("Parsing JSON is a Minefield", 2016), and some cases more.
struct JSONTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let name: String
    let bytes: [UInt8]
    var testDescription: String { name }
    init(_ name: String, _ text: String) { self.init(name, Array(text.utf8)) }
    init(_ name: String, _ bytes: [UInt8]) {
      self.name = name
      self.bytes = bytes
    }
    static func string(_ name: String, _ bytes: [UInt8]) -> Case {
      Case(name, Array("[\"".utf8) + bytes + Array("\"]".utf8))
    }
  }

  static let accepted: [Case] = [
    Case("y_array_arraysWithSpaces", "[[]   ]"),
    Case("y_array_empty", "[]"),
    Case("y_array_empty-string", "[\"\"]"),
    Case("y_array_ending_with_newline", "[\"a\"]\n"),
    Case("y_array_false", "[false]"),
    Case("y_array_heterogeneous", "[null, 1, \"1\", {}]"),
    Case("y_array_null", "[null]"),
    Case("y_array_with_1_and_newline", "[1\n]"),
    Case("y_array_with_leading_space", " [1]"),
    Case("y_array_with_several_null", "[1,null,null,null,2]"),
    Case("y_array_with_trailing_space", "[2] "),
    Case("y_number", "[123e65]"),
    Case("y_number_0e+1", "[0e+1]"),
    Case("y_number_0e1", "[0e1]"),
    Case("y_number_after_space", "[ 4]"),
    Case("y_number_double_close_to_zero", "[-0." + String(repeating: "0", count: 77) + "1]"),
    Case("y_number_int_with_exp", "[20e1]"),
    Case("y_number_minus_zero", "[-0]"),
    Case("y_number_negative_int", "[-123]"),
    Case("y_number_negative_one", "[-1]"),
    Case("y_number_negative_zero", "[-0]"),
    Case("y_number_real_capital_e", "[1E22]"),
    Case("y_number_real_capital_e_neg_exp", "[1E-2]"),
    Case("y_number_real_capital_e_pos_exp", "[1E+2]"),
    Case("y_number_real_exponent", "[123e45]"),
    Case("y_number_real_fraction_exponent", "[123.456e78]"),
    Case("y_number_real_neg_exp", "[1e-2]"),
    Case("y_number_real_pos_exponent", "[1e+2]"),
    Case("y_number_simple_int", "[123]"),
    Case("y_number_simple_real", "[123.456789]"),
    Case(
      "y_number_huge_exp", "[0.4e00669999999999999999999999999999999999999999999999999999969999]"),
    Case("y_number_too_big_int", "[100000000000000000000000000000]"),
    Case("y_object", "{\"asd\":\"sdf\", \"dfg\":\"fgh\"}"),
    Case("y_object_basic", "{\"asd\":\"sdf\"}"),
    Case("y_object_empty", "{}"),
    Case("y_object_empty_key", "{\"\":0}"),
    Case("y_object_escaped_null_in_key", "{\"foo\\u0000bar\": 42}"),
    Case("y_object_extreme_numbers", "{ \"min\": -1.0e+28, \"max\": 1.0e+28 }"),
    Case(
      "y_object_long_strings", "{\"x\":[{\"id\": \"" + String(repeating: "x", count: 40) + "\"}]}"),
    Case("y_object_simple", "{\"a\":[]}"),
    Case(
      "y_object_string_unicode", "{\"title\":\"\\u041f\\u043e\\u043b\\u0442\\u043e\\u0440\\u0430\"}"
    ),
    Case("y_object_with_newlines", "{\n\"a\": \"b\"\n}"),
    Case("y_string_1_2_3_bytes_UTF-8_sequences", "[\"\\u0060\\u012a\\u12AB\"]"),
    Case("y_string_accepted_surrogate_pair", "[\"\\uD801\\udc37\"]"),
    Case("y_string_accepted_surrogate_pairs", "[\"\\ud83d\\ude39\\ud83d\\udc8d\"]"),
    Case("y_string_allowed_escapes", "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]"),
    Case("y_string_backslash_and_u_escaped_zero", "[\"\\\\u0000\"]"),
    Case("y_string_backslash_doublequotes", "[\"\\\"\"]"),
    Case("y_string_comments", "[\"a/*b*/c/*d//e\"]"),
    Case("y_string_double_escape_a", "[\"\\\\a\"]"),
    Case("y_string_double_escape_n", "[\"\\\\n\"]"),
    Case("y_string_escaped_control_character", "[\"\\u0012\"]"),
    Case("y_string_escaped_noncharacter", "[\"\\uFFFF\"]"),
    Case("y_string_in_array", "[\"asd\"]"),
    Case("y_string_last_surrogates_1_and_2", "[\"\\uDBFF\\uDFFF\"]"),
    Case("y_string_nbsp_uescaped", "[\"new\\u00A0line\"]"),
    Case.string("y_string_nonCharacterInUTF-8_U+10FFFF", [0xF4, 0x8F, 0xBF, 0xBF]),
    Case.string("y_string_nonCharacterInUTF-8_U+FFFF", [0xEF, 0xBF, 0xBF]),
    Case("y_string_null_escape", "[\"\\u0000\"]"),
    Case("y_string_one-byte-utf-8", "[\"\\u002c\"]"),
    Case("y_string_pi", "[\"π\"]"),
    Case("y_string_simple_ascii", "[\"asd \"]"),
    Case("y_string_space", "\" \""),
    Case("y_string_surrogates_U+1D11E_MUSICAL_SYMBOL_G_CLEF", "[\"\\uD834\\uDd1e\"]"),
    Case("y_string_three-byte-utf-8", "[\"\\u0821\"]"),
    Case.string("y_string_u+2028_line_sep", [0xE2, 0x80, 0xA8]),
    Case("y_string_unescaped_char_delete", "[\"\u{7f}\"]"),
    Case("y_string_unicode_escaped_double_quote", "[\"\\u0022\"]"),
    Case("y_string_utf8", "[\"€𝄞\"]"),
    Case("y_structure_lonely_false", "false"),
    Case("y_structure_lonely_int", "42"),
    Case("y_structure_lonely_negative_real", "-0.1"),
    Case("y_structure_lonely_null", "null"),
    Case("y_structure_lonely_string", "\"asd\""),
    Case("y_structure_string_empty", "\"\""),
    Case("y_structure_whitespace_array", " \t\r\n[] "),
    Case("y_depth_64", String(repeating: "[", count: 64) + String(repeating: "]", count: 64)),
    Case("y_size_limit", "[\"" + String(repeating: "x", count: 7_999_996) + "\"]"),
  ]

  static let refused: [Case] = [
    Case("n_array_1_true_without_comma", "[1 true]"),
    Case("n_array_a_invalid_utf8", [0x5B, 0x61, 0xE5, 0x5D]),
    Case("n_array_colon_instead_of_comma", "[\"\": 1]"),
    Case("n_array_comma_after_close", "[\"\"],"),
    Case("n_array_comma_and_number", "[,1]"),
    Case("n_array_double_comma", "[1,,2]"),
    Case("n_array_double_extra_comma", "[\"x\",,]"),
    Case("n_array_extra_close", "[\"x\"]]"),
    Case("n_array_extra_comma", "[\"\",]"),
    Case("n_array_incomplete", "[\"x\""),
    Case("n_array_incomplete_invalid_value", "[x"),
    Case("n_array_inner_array_no_comma", "[3[4]]"),
    Case("n_array_invalid_utf8", [0x5B, 0xFF, 0x5D]),
    Case("n_array_items_separated_by_semicolon", "[1:2]"),
    Case("n_array_just_comma", "[,]"),
    Case("n_array_just_minus", "[-]"),
    Case("n_array_missing_value", "[   , \"\"]"),
    Case("n_array_newlines_unclosed", "[\"a\",\n4\n,1,"),
    Case("n_array_number_and_comma", "[1,]"),
    Case("n_array_number_and_several_commas", "[1,,]"),
    Case("n_array_spaces_vertical_tab_formfeed", "[\"\u{b}a\"\\f]"),
    Case("n_array_star_inside", "[*]"),
    Case("n_array_unclosed", "[\"\""),
    Case("n_array_unclosed_trailing_comma", "[1,"),
    Case("n_array_unclosed_with_object_inside", "[{}"),
    Case("n_incomplete_false", "[fals]"),
    Case("n_incomplete_null", "[nul]"),
    Case("n_incomplete_true", "[tru]"),
    Case("n_multidigit_number_then_00", [0x31, 0x32, 0x33, 0x00]),
    Case("n_number_++", "[++1234]"),
    Case("n_number_+1", "[+1]"),
    Case("n_number_+Inf", "[+Inf]"),
    Case("n_number_-01", "[-01]"),
    Case("n_number_-1.0.", "[-1.0.]"),
    Case("n_number_-2.", "[-2.]"),
    Case("n_number_-NaN", "[-NaN]"),
    Case("n_number_.-1", "[.-1]"),
    Case("n_number_.2e-3", "[.2e-3]"),
    Case("n_number_0.1.2", "[0.1.2]"),
    Case("n_number_0.3e+", "[0.3e+]"),
    Case("n_number_0.3e", "[0.3e]"),
    Case("n_number_0.e1", "[0.e1]"),
    Case("n_number_0_capital_E+", "[0E+]"),
    Case("n_number_0_capital_E", "[0E]"),
    Case("n_number_0e+", "[0e+]"),
    Case("n_number_1.0e-", "[1.0e-]"),
    Case("n_number_1_000", "[1 000.0]"),
    Case("n_number_1eE2", "[1eE2]"),
    Case("n_number_2.e+3", "[2.e+3]"),
    Case("n_number_9.e+", "[9.e+]"),
    Case("n_number_Inf", "[Inf]"),
    Case("n_number_NaN", "[NaN]"),
    Case("n_number_U+FF11_fullwidth_digit_one", "[１]"),
    Case("n_number_expression", "[1+2]"),
    Case("n_number_hex_1_digit", "[0x1]"),
    Case("n_number_hex_2_digits", "[0x42]"),
    Case("n_number_infinity", "[Infinity]"),
    Case("n_number_invalid+-", "[0e+-1]"),
    Case("n_number_invalid-negative-real", "[-123.123foo]"),
    Case("n_number_invalid-utf-8-in-bigger-int", [0x5B, 0x31, 0x32, 0x33, 0xE5, 0x5D]),
    Case("n_number_minus_infinity", "[-Infinity]"),
    Case("n_number_minus_sign_with_trailing_garbage", "[-foo]"),
    Case("n_number_minus_space_1", "[- 1]"),
    Case("n_number_neg_int_starting_with_zero", "[-012]"),
    Case("n_number_neg_real_without_int_part", "[-.123]"),
    Case("n_number_real_without_fractional_part", "[1.]"),
    Case("n_number_starting_with_dot", "[.123]"),
    Case("n_number_with_alpha", "[1.2a-3]"),
    Case("n_number_with_leading_zero", "[012]"),
    Case("n_object_bad_value", "[\"x\", truth]"),
    Case("n_object_bracket_key", "{[: \"x\"}\n"),
    Case("n_object_comma_instead_of_colon", "{\"x\", null}"),
    Case("n_object_double_colon", "{\"x\"::\"b\"}"),
    Case("n_object_emoji", "{🇨🇭}"),
    Case("n_object_garbage_at_end", "{\"a\":\"a\" 123}"),
    Case("n_object_key_with_single_quotes", "{key: 'value'}"),
    Case("n_object_missing_colon", "{\"a\" b}"),
    Case("n_object_missing_key", "{:\"b\"}"),
    Case("n_object_missing_semicolon", "{\"a\" \"b\"}"),
    Case("n_object_missing_value", "{\"a\":"),
    Case("n_object_no-colon", "{\"a\""),
    Case("n_object_non_string_key", "{1:1}"),
    Case("n_object_repeated_null_null", "{null:null,null:null}"),
    Case("n_object_several_trailing_commas", "{\"id\":0,,,,,}"),
    Case("n_object_single_quote", "{'a':0}"),
    Case("n_object_trailing_comma", "{\"id\":0,}"),
    Case("n_object_trailing_comment", "{\"a\":\"b\"}/**/"),
    Case("n_object_trailing_comment_slash_open", "{\"a\":\"b\"}//"),
    Case("n_object_two_commas_in_a_row", "{\"a\":\"b\",,\"c\":\"d\"}"),
    Case("n_object_unquoted_key", "{a: \"b\"}"),
    Case("n_object_unterminated-value", "{\"a\":\"a"),
    Case("n_object_with_single_string", "{ \"foo\" : \"bar\", \"a\" }"),
    Case("n_object_with_trailing_garbage", "{\"a\":\"b\"}#"),
    Case("n_object_duplicate_key", "{\"a\":1,\"a\":1}"),
    Case("n_object_duplicate_key_escaped", "{\"a\":1,\"\\u0061\":2}"),
    Case("n_single_space", " "),
    Case("n_string_1_surrogate_then_escape", "[\"\\uD800\\\"]"),
    Case("n_string_1_surrogate_then_escape_u", "[\"\\uD800\\u\"]"),
    Case("n_string_1_surrogate_then_escape_u1x", "[\"\\uD800\\u1x\"]"),
    Case("n_string_lone_lead_surrogate", "[\"\\uDADA\"]"),
    Case("n_string_lone_trail_surrogate", "[\"\\udc00\"]"),
    Case("n_string_inverted_surrogates", "[\"\\uDd1e\\uD834\"]"),
    Case("n_string_lead_surrogate_then_char", "[\"\\ud800abc\"]"),
    Case("n_string_two_lead_surrogates", "[\"\\uD800\\uD800\\n\"]"),
    Case("n_string_accentuated_char_no_quotes", "[é]"),
    Case("n_string_backslash_00", [0x5B, 0x22, 0x5C, 0x00, 0x22, 0x5D]),
    Case("n_string_escape_x", "[\"\\x00\"]"),
    Case("n_string_escaped_backslash_bad", "[\"\\\\\\\"]"),
    Case("n_string_escaped_ctrl_char_tab", "[\"\\\t\"]"),
    Case("n_string_escaped_emoji", "[\"\\🌀\"]"),
    Case("n_string_incomplete_escape", "[\"\\\"]"),
    Case("n_string_incomplete_escaped_character", "[\"\\u00A\"]"),
    Case("n_string_incomplete_surrogate", "[\"\\uD834\\uDd\"]"),
    Case("n_string_invalid_backslash_esc", "[\"\\a\"]"),
    Case("n_string_invalid_unicode_escape", "[\"\\uqqqq\"]"),
    Case("n_string_fullwidth_hex", "[\"\\u００６１\"]"),
    Case.string("n_string_invalid_utf8_after_escape", [0x5C, 0xE5]),
    Case.string("n_string_invalid-utf-8-in-escape", [0x5C, 0x75, 0xE5]),
    Case.string("n_string_overlong_sequence_2_bytes", [0xC0, 0xAF]),
    Case.string("n_string_overlong_sequence_6_bytes", [0xFC, 0x83, 0xBF, 0xBF, 0xBF, 0xBF]),
    Case.string("n_string_overlong_null", [0xC0, 0x80]),
    Case.string("n_string_UTF-8_surrogate_U+D800", [0xED, 0xA0, 0x80]),
    Case.string("n_string_not_in_unicode_range", [0xF4, 0xBF, 0xBF, 0xBF]),
    Case.string("n_string_lone_continuation_byte", [0x81]),
    Case.string("n_string_iso_latin_1", [0xE9]),
    Case.string("n_string_truncated-utf-8", [0xE0, 0xFF]),
    Case("n_string_leading_uescaped_thinspace", "[\\u0020\"asd\"]"),
    Case("n_string_no_quotes_with_bad_escape", "[\\n]"),
    Case("n_string_single_doublequote", "\""),
    Case("n_string_single_quote", "['single quote']"),
    Case("n_string_single_string_no_double_quotes", "abc"),
    Case("n_string_start_escape_unclosed", "[\"\\"),
    Case("n_string_unescaped_ctrl_char", [0x5B, 0x22, 0x61, 0x00, 0x61, 0x22, 0x5D]),
    Case("n_string_unescaped_newline", "[\"new\nline\"]"),
    Case("n_string_unescaped_tab", "[\"\t\"]"),
    Case("n_string_with_trailing_garbage", "\"\"x"),
    Case("n_structure_U+2060_word_joined", "[\u{2060}]"),
    Case("n_structure_UTF8_BOM_no_data", [0xEF, 0xBB, 0xBF]),
    Case("n_structure_UTF8_BOM", [0xEF, 0xBB, 0xBF, 0x7B, 0x7D]),
    Case("n_structure_UTF-16LE", [0xFF, 0xFE, 0x5B, 0x00, 0x5D, 0x00]),
    Case("n_structure_UTF-16BE_no_BOM", [0x00, 0x5B, 0x00, 0x5D]),
    Case("n_structure_angle_bracket_.", "<.>"),
    Case("n_structure_angle_bracket_null", "[<null>]"),
    Case("n_structure_array_trailing_garbage", "[1]x"),
    Case("n_structure_array_with_unclosed_string", "[\"asd]"),
    Case("n_structure_capitalized_True", "[True]"),
    Case("n_structure_close_unopened_array", "1]"),
    Case("n_structure_comma_instead_of_closing_brace", "{\"x\": true,"),
    Case("n_structure_double_array", "[][]"),
    Case("n_structure_end_array", "]"),
    Case("n_structure_lone-open-bracket", "["),
    Case("n_structure_no_data", ""),
    Case("n_structure_null-byte-outside-string", [0x5B, 0x00, 0x5D]),
    Case("n_structure_number_with_trailing_garbage", "2@"),
    Case("n_structure_object_followed_by_closing_object", "{}}"),
    Case("n_structure_object_unclosed_no_value", "{\"\":"),
    Case("n_structure_object_with_comment", "{\"a\":/*comment*/\"b\"}"),
    Case("n_structure_object_with_trailing_garbage", "{\"a\": true} \"x\""),
    Case("n_structure_open_array_apostrophe", "['"),
    Case("n_structure_open_object_open_array", "{["),
    Case("n_structure_single_star", "*"),
    Case("n_structure_trailing_#", "{\"a\":\"b\"}#{}"),
    Case("n_structure_uescaped_LF_before_string", "[\\u000A\"\"]"),
    Case("n_structure_unicode-identifier", "å"),
    Case("n_structure_whitespace_U+00A0", "[\u{a0}]"),
    Case("n_structure_whitespace_formfeed", "[\u{c}]"),
    Case("n_structure_100000_opening_arrays", String(repeating: "[", count: 100_000)),
    Case("n_structure_open_array_object", String(repeating: "[{\"\":", count: 50_000)),
    Case("n_depth_65", String(repeating: "[", count: 65) + String(repeating: "]", count: 65)),
    Case("n_size_above_limit", "[\"" + String(repeating: "x", count: 7_999_997) + "\"]"),
  ]

  @Test(arguments: accepted) func accepts(_ document: Case) throws {
    let value = try JSONValue(parsing: document.bytes, name: "x.json")
    guard document.bytes.count < JSONParser.sizeLimit else { return }
    // What is written reads back as the same, in both forms.
    #expect(try JSONValue(parsing: Array(value.pretty.utf8), name: "pretty") == value)
    #expect(try JSONValue(parsing: Array(value.compact.utf8), name: "compact") == value)
  }

  @Test(arguments: refused) func refuses(_ document: Case) {
    do {
      let value = try JSONValue(parsing: document.bytes, name: "x.json")
      Issue.record("accepted as \(value.compact.prefix(200))")
    } catch {
      let first = error.diagnostics[0]
      if document.bytes.count <= JSONParser.sizeLimit {
        #expect(first.line ?? 0 >= 1)
        #expect(first.column ?? 0 >= 1)
      }
      #expect(!first.message.isEmpty)
    }
  }

  /// Names every message of the parser as the user sees it.
  @Test(arguments: [
    ("", "1:1: the file is empty; a JSON value is expected"),
    ("[1,]", "1:4: found \"]\" after a comma; JSON allows no trailing comma"),
    ("{\"a\":1,}", "1:8: found \"}\" after a comma; JSON allows no trailing comma"),
    (
      "{\n  // no\n}",
      "2:3: found \"/\", but a key in double quotes is expected; JSON has no comments"
    ),
    (
      "{'a':1}",
      "1:2: found \"'\", but a key in double quotes is expected; JSON's quotes are double"
    ),
    ("{\"a\" 1}", "1:6: a: found \"1\", but \":\" is expected after a key"),
    ("{\"a\":1 \"b\":2}", "1:8: found a double quote, but \",\" or \"}\" is expected"),
    ("[1 2]", "1:4: found \"2\", but \",\" or \"]\" is expected"),
    ("[1,,2]", "1:4: [1]: found \",\", but a value is expected; there is a comma too many"),
    ("[1] x", "1:5: found \"x\" after the end of the document"),
    ("{\"a\": {\"b\": [1", "1:15: a.b: the file ends within the list begun at 1:13"),
    ("{\"a\": ", "1:7: a: the file ends within the object begun at 1:1"),
    ("[\"abc]", "1:2: [0]: this string has no end"),
    (
      "[\"a\nb\"]",
      "1:4: [0]: a string ends at the end of its line; write a line break in it as \\n"
    ),
    (
      "[\"a\tb\"]",
      "1:4: [0]: found the control character U+0009 in a string; write it as an escape such as \\t "
        + "or \\u0001"
    ),
    (
      "[\"\\x\"]",
      "1:3: [0]: this is no escape of JSON; they are \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX"
    ),
    ("[\"\\u12\"]", "1:3: [0]: \\u needs four hexadecimal digits"),
    ("[\"\\ud800\"]", "1:3: [0]: half of a surrogate pair stands alone here"),
    ("[01]", "1:2: [0]: a number begins with no extra zero"),
    ("[1.]", "1:4: [0]: a digit is expected after the decimal point, found \"]\""),
    ("[1e]", "1:4: [0]: a digit is expected in the exponent, found \"]\""),
    ("[-x]", "1:3: [0]: a digit is expected after \"-\", found \"x\""),
    (
      "[.5]",
      "1:2: [0]: found \".\", but a value is expected; a number begins with a digit or \"-\""
    ),
    ("[True]", "1:2: [0]: \"True\" is not a JSON value; did you mean true?"),
    ("[NaN]", "1:2: [0]: NaN is not a JSON value; numbers are finite"),
    ("[adam]", "1:2: [0]: \"adam\" is not a JSON value; a string stands in double quotes"),
    ("{\"a\":1,\n \"a\":2}", "2:2: a: duplicate key; it is already given on line 1"),
    ("{\"é𝄞\": x}", "1:8: \"é𝄞\": \"x\" is not a JSON value; a string stands in double quotes"),
  ])
  func explains(_ text: String, _ message: String) {
    #expect(throws: SpecErrors.self) { try JSONValue(parsing: Array(text.utf8), name: "x") }
    do { _ = try JSONValue(parsing: Array(text.utf8), name: "x") } catch {
      #expect(error.description == "x:" + message)
    }
  }

  @Test func explainsBytes() {
    let cases: [([UInt8], String)] = [
      (
        [0xEF, 0xBB, 0xBF, 0x7B, 0x7D],
        "x:1:1: the file begins with a byte order mark; save it as UTF-8 without one"
      ),
      (Array("{\n\"é".utf8) + [0xFF], "x:2:3: the bytes here are not UTF-8"),
      (
        Array(repeating: 0x20, count: 8_000_001),
        "x: the file has more than 8000000 bytes, the most that is read"
      ),
      (
        Array(repeating: 0x5B, count: 65),
        "x:1:65: " + String(repeating: "[0]", count: 64)
          + ": more than 64 levels of lists and objects"
      ),
    ]
    for (bytes, message) in cases {
      do throws(SpecErrors) {
        _ = try JSONValue(parsing: bytes, name: "x")
        Issue.record("accepted")
      } catch { #expect(error.description == message) }
    }
  }

  @Test func keepsNumbersExactly() throws {
    func number(_ text: String) -> JSONNumber { JSONNumber(grammatical: text) }
    #expect(number("18446744073709551615").uint64 == .max)
    #expect(number("18446744073709551616").uint64 == nil)
    #expect(number("9007199254740993").uint64 == 9_007_199_254_740_993)
    #expect(number("1.8446744073709551615e19").uint64 == .max)
    #expect(number("20").int == 20)
    #expect(number("2e1").int == 20)
    #expect(number("20.0").int == 20)
    #expect(number("200E-1").int == 20)
    #expect(number("2.5").int == nil)
    #expect(number("-0").int == 0)
    #expect(number("-0").uint64 == 0)
    #expect(number("-1").uint64 == nil)
    #expect(number("-9223372036854775808").int == .min)
    #expect(number("9223372036854775808").int == nil)
    #expect(number("0e99999999999999999999").int == 0)
    #expect(number("1e99999999999999999999").int == nil)
    #expect(number("1e-99999999999999999999").int == nil)
    #expect(number("1e400").double == .infinity)
    #expect(number("1e-400").double == 0)
    #expect(number("0.1").float == 0.1)
    // Rounded once: through a double this would end one float lower.
    #expect(number("1.00000017881393432617187500001").float == Float(1).nextUp.nextUp)
    #expect(number("1.00000017881393432617187500001").double == 1 + 1.5 * Double(Float.ulpOfOne))
  }

  @Test func writesShortestNumbers() {
    #expect(JSONValue(0.1).compact == "0.1")
    #expect(JSONValue(Float(0.1)).compact == "0.1")
    #expect(JSONValue(1e-7).compact == "1e-07")
    #expect(JSONValue(Double.nan).compact == "null")
    #expect(JSONValue(-Float.infinity).compact == "null")
    #expect(JSONValue(UInt64.max).compact == "18446744073709551615")
    var stream = SystemRandomNumberGenerator()
    for _ in 0..<1000 {
      let value = Double(bitPattern: stream.next())
      if value.isFinite { #expect(JSONValue(value).double == value) }
      let float = Float(bitPattern: UInt32.random(in: 0 ... .max, using: &stream))
      if float.isFinite { #expect(JSONValue(float).number?.float == float) }
    }
  }

  @Test func writesPretty() {
    let value: JSONValue = [
      "b": 1, "a": [1, 2.5, "x\n\"\u{1}é"], "empty": [:], "none": [],
      "deep": [["k": .null], true],
    ]
    #expect(
      value.pretty == """
        {
          "b": 1,
          "a": [1, 2.5, "x\\n\\"\\u0001é"],
          "empty": {},
          "none": [],
          "deep": [
            {
              "k": null
            },
            true
          ]
        }

        """)
    #expect(value["a"]?[1]?.double == 2.5)
    #expect(value["a"]?[3] == nil)
    #expect(value["b"]?["c"] == nil)
  }

  /// Columns count characters, in lines shorter and longer than the blocks that are counted ahead.
  @Test func findsPlaces() {
    var bytes: [UInt8] = []
    for line in 0..<20 {
      bytes += String(repeating: line % 3 == 0 ? "aé😀" : "x", count: 37 * line * line).utf8
      bytes.append(UInt8(ascii: "\n"))
    }
    for bytes in [bytes, Array(bytes.prefix(4096)), [], [0x0A]] {
      let source = SourceText(name: "x", bytes: bytes)
      var (line, column) = (1, 1)
      for (offset, byte) in bytes.enumerated() {
        if offset % 5 == 0, byte & 0xC0 != 0x80 {
          #expect(source.position(of: offset) == (line, column))
        }
        if byte & 0xC0 != 0x80 { column += 1 }
        if byte == UInt8(ascii: "\n") { (line, column) = (line + 1, 1) }
      }
      #expect(source.position(of: bytes.count) == (line, column))
    }
  }
}
