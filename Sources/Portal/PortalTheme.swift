import Bytes
import HTTP

/// The ISP's logo.
public struct PortalLogo: Hashable, Sendable {
  /// The longest logo, in bytes.
  public static let maximum = 16_384

  let bytes: [UInt8]
  let isSVG: Bool

  /// The logo in these bytes; nil when they are too many, or neither PNG nor SVG by their content.
  public init?(_ bytes: [UInt8]) {
    guard bytes.count <= Self.maximum else { return nil }
    let start = Text([UInt8](bytes.prefix(1024)))
    if start.hasPrefix(Text([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])) {
      isSVG = false
    } else {
      guard start.hasPrefix("<svg") || start.hasPrefix("<?xml"),
        start.bytes.indices.contains(where: { start.dropFirst($0).hasPrefix("<svg") })
      else { return nil }
      isSVG = true
    }
    self.bytes = bytes
  }

  /// The answer to who asks for it; a script in it can't run.
  var response: HTTPResponse {
    var response = HTTPResponse(HTTPStatus.ok, body: bytes)
    response.add("Content-Type", isSVG ? "image/svg+xml" : "image/png")
    response.add(
      "Content-Security-Policy",
      "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    )
    response.addStaticFields()
    return response
  }
}

/// How the ISP makes the page its own.
public struct PortalTheme: Sendable {
  /// The longest file, in bytes.
  public static let maximum = 16_384
  /// The most texts of the page that are replaced.
  public static let maximumTexts = 256

  private struct Replacement {
    /// Nil: in every language.
    var language: Language?
    var key: TextKey
    var text: Text
  }

  /// The ISP's name; empty: not said.
  public private(set) var isp: Text = ""
  /// `#rrggbb`, dark enough for white letters on it; nil: the default.
  public private(set) var color: Text?
  /// A number to call, as it is shown.
  public private(set) var phone: Text = ""
  /// When somebody answers.
  public private(set) var hours: Text = ""
  /// An address for mail.
  public private(set) var mail: Text = ""
  /// A page of the ISP that tells how to know this one.
  public private(set) var url: Text = ""
  /// How many lines were ignored, being no theme.
  public private(set) var ignored = 0
  /// The logo.
  public var logo: PortalLogo?

  private var replacements: [Replacement] = []

  /// The page without an ISP's looks.
  public init() {}

  /// The theme in a file of lines `key = value`; empty lines and those that begin with `#` are
  /// comments, and what can't be understood is ignored and counted.
  ///
  /// A key is `isp`, `color`, `phone`, `hours`, `mail`, `url`, or the name of a text, which may follow
  /// a language and a dot: `de.headline`.
  public init(parsing file: [UInt8], logo: [UInt8] = []) {
    self.logo = PortalLogo(logo)
    if self.logo == nil, !logo.isEmpty { ignored += 1 }
    guard file.count <= Self.maximum else {
      ignored += 1
      return
    }
    let names = Catalogue(Texts.names)
    for line in Text(file).split(0x0A) {
      let line = trimmed(line.bytes[...])
      if line.isEmpty || line.first == 0x23 { continue }
      guard let equals = line.firstIndex(of: 0x3D),
        take(
          Text(trimmed(line[..<equals])),
          Text(trimmed(line[(equals + 1)...])),
          names
        )
      else {
        ignored += 1
        continue
      }
    }
  }

  private mutating func take(_ key: Text, _ value: Text, _ names: Catalogue) -> Bool {
    switch key {
    case "isp": isp = value
    case "phone": phone = value
    case "hours": hours = value
    case "mail": mail = value
    case "url": url = value
    case "color":
      guard Self.carriesWhite(value) else { return false }
      color = value
    default: return replace(key, value, names)
    }
    return true
  }

  private mutating func replace(_ key: Text, _ value: Text, _ names: Catalogue) -> Bool {
    let parts = key.split(0x2E)
    var language: Language?
    if parts.count == 2 {
      guard let index = Language.tags.firstIndex(of: parts[0]) else { return false }
      language = Language(index)
    }
    guard parts.count <= 2, let name = parts.last, replacements.count < Self.maximumTexts,
      let key = TextKey.allCases.first(where: { names.text($0) == name })
    else { return false }
    replacements.append(Replacement(language: language, key: key, text: value))
    return true
  }

  /// What is said instead of a text of the page; the last line wins.
  func text(_ key: TextKey, in language: Language) -> Text? {
    for replacement in replacements.reversed() where replacement.key == key {
      if replacement.language == nil || replacement.language == language { return replacement.text }
    }
    return nil
  }

  /// Whether `color` is `#rrggbb`, and white letters on it have a contrast of 4.5 (WCAG 2.2, 1.4.3).
  static func carriesWhite(_ color: Text) -> Bool {
    guard color.count == 7, color.bytes[0] == 0x23 else { return false }
    var luminance = 0
    for index in 0..<3 {
      guard let high = hexadecimalDigit(color.bytes[1 + 2 * index]),
        let low = hexadecimalDigit(color.bytes[2 + 2 * index])
      else { return false }
      let weight = index == 0 ? 2126 : index == 1 ? 7152 : 722
      luminance += weight * linear(Int(high << 4 | low))
    }
    // (1 + 0.05) / (L + 0.05) is at least 4.5 when L is at most 11/60.
    return luminance <= 10_000 * 10_000 * 11 / 60
  }

  /// Ten-thousandths of full light for an sRGB component: straight lines between 17 points of the
  /// curve, never below it.
  private static func linear(_ component: Int) -> Int {
    let points: [Int] = [
      0, 52, 145, 296, 513, 803, 1170, 1621, 2159, 2789, 3516, 4342, 5272, 6308, 7455, 8714, 10_090,
    ]
    let index = component / 16
    return points[index] + (points[index + 1] - points[index]) * (component % 16) / 16
  }
}

/// Without white space at both ends.
private func trimmed(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
  var bytes = [UInt8](bytes)
  while let last = bytes.last, last <= 0x20 { bytes.removeLast() }
  while let first = bytes.first, first <= 0x20 { bytes.removeFirst() }
  return bytes
}
