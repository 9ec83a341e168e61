import Bytes

/// An element of a list with qualities (RFC 9110, Section 12.4.2).
private struct Weighted {
  /// In lower case.
  var value: Text
  /// 0 to 1000.
  var quality: Int
}

/// The elements of `list`; those that aren't well formed are left out, parameters but `q` ignored.
private func weighted(_ list: Text) -> [Weighted] {
  var result: [Weighted] = []
  for element in list.asciiLowercased.split(0x2C) {
    let parts = element.split(0x3B)
    var item = Weighted(value: Text(trimmed(parts[0].bytes[...])), quality: 1000)
    for part in parts.dropFirst() {
      let parameter = Text(trimmed(part.bytes[...]))
      if parameter.hasPrefix("q=") { item.quality = quality(parameter.bytes.dropFirst(2)) ?? -1 }
    }
    if item.quality >= 0, !item.value.isEmpty { result.append(item) }
  }
  return result
}

/// Thousandths; nil when it is no qvalue.
private func quality(_ bytes: ArraySlice<UInt8>) -> Int? {
  guard let first = bytes.first, first == 0x30 || first == 0x31, bytes.count <= 5 else {
    return nil
  }
  var value = Int(first - 0x30) * 1000
  let rest = bytes.dropFirst()
  guard rest.isEmpty || rest.first == 0x2E else { return nil }
  var scale = 100
  for byte in rest.dropFirst() {
    guard isDigit(byte) else { return nil }
    value += Int(byte - 0x30) * scale
    scale /= 10
  }
  return value <= 1000 ? value : nil
}

extension HTTPRequest {
  /// How much the client wants `type`/`subtype`, in lower case: 0, not at all, to 1000.
  ///
  /// The most specific media range decides; without the field, or when it is empty, all is wanted
  /// (RFC 9110, Section 12.5.1).
  public func acceptance(of type: Text, _ subtype: Text) -> Int {
    let ranges = weighted(value(of: "accept") ?? "")
    guard !ranges.isEmpty else { return 1000 }
    var best = (specificity: -1, quality: 0)
    for range in ranges {
      let specificity =
        range.value == type + "/" + subtype
        ? 2 : range.value == type + "/*" ? 1 : range.value == "*/*" ? 0 : -1
      if specificity > best.specificity { best = (specificity, range.quality) }
    }
    return best.quality
  }

  /// Which of `languages`, each a primary subtag in lower case, the client wants most; nil when it
  /// wants none of them (RFC 9110, Section 12.5.4, and lookup by the first subtag only).
  public func preferredLanguage(among languages: [Text]) -> Int? {
    let ranges = weighted(value(of: "accept-language") ?? "")
    var best: (index: Int, quality: Int)?
    for range in ranges where range.quality > best?.quality ?? 0 {
      let primary = range.value.split(0x2D)[0]
      let index = primary == "*" ? 0 : languages.firstIndex(of: primary)
      if let index { best = (index, range.quality) }
    }
    return best?.index
  }
}

/// Implementation limits of forms: the page has three fields.
private enum FormLimits {
  static let fields = 16
  static let value = 128
}

/// The value of `name` in a query or a form (application/x-www-form-urlencoded).
///
/// Nil when it isn't there, is there twice, is too long, or is badly encoded.
public func formValue(of name: Text, in form: Text) -> Text? {
  var result: Text?
  for (index, field) in form.split(0x26).enumerated() {
    guard index < FormLimits.fields else { return nil }
    let parts = field.split(0x3D)
    guard parts.count == 2, parts[0] == name else { continue }
    guard result == nil, let value = decoded(parts[1].bytes) else { return nil }
    result = value
  }
  return result
}

private func decoded(_ bytes: [UInt8]) -> Text? {
  var result: [UInt8] = []
  var index = 0
  while index < bytes.count {
    guard result.count < FormLimits.value else { return nil }
    switch bytes[index] {
    case 0x2B: result.append(0x20)
    case 0x25:
      guard index + 2 < bytes.count, let high = hexadecimalDigit(bytes[index + 1]),
        let low = hexadecimalDigit(bytes[index + 2])
      else { return nil }
      result.append(high << 4 | low)
      index += 2
    default: result.append(bytes[index])
    }
    index += 1
  }
  return Text(result)
}
