import Bytes

/// One `option` or `list` line.
struct Entry {
  /// The option.
  var option: OptionName
  /// Whether the line began with `list`.
  var isList: Bool
  /// Its value.
  var value: Text
  /// Where the option's name stands.
  var location: SettingsLocation
  /// Where the value stands.
  var valueLocation: SettingsLocation
}

/// One section: every option is known to its kind and written with the right keyword.
struct Section {
  /// Its kind.
  var kind: SectionKind
  /// Its name; empty when it has none.
  var name: Text
  /// Where its `config` stands.
  var location: SettingsLocation
  /// Where its name stands, or its kind when it has none.
  var nameLocation: SettingsLocation
  /// Its options, in the file's order.
  var entries: [Entry] = []

  /// Throws unless the section has this option.
  func require(_ option: OptionName) throws(SettingsError) {
    guard entries.contains(where: { $0.option == option }) else {
      throw SettingsError(.optionMissing(option, in: kind), at: location)
    }
  }
}

/// Reads a file in UCI syntax section by section.
struct SectionReader {
  private var lexer: Lexer
  private var pending: Section?
  private var count = 0

  /// Starts at the first of `bytes`.
  init(_ bytes: [UInt8]) { lexer = Lexer(bytes) }

  /// The next section; nil at the end.
  mutating func section() throws(SettingsError) -> Section? {
    while let words = try lexer.statement() {
      let keyword = words[0]
      if keyword.text.isKeyword("config") {
        let begun = try header(words)
        if let complete = pending {
          pending = begun
          return complete
        }
        pending = begun
      } else if keyword.text.isKeyword("option") {
        try add(words, isList: false)
      } else if keyword.text.isKeyword("list") {
        try add(words, isList: true)
      } else if keyword.text.isKeyword("package") {
        try expect(words, 2...2)
      } else {
        throw SettingsError(.unknownKeyword(keyword.text), at: keyword.location)
      }
    }
    defer { pending = nil }
    return pending
  }

  private func expect(_ words: [Word], _ count: ClosedRange<Int>) throws(SettingsError) {
    if words.count < count.lowerBound {
      throw SettingsError(.wordMissing, at: words[0].location)
    }
    if words.count > count.upperBound {
      throw SettingsError(.unexpectedWord, at: words[count.upperBound].location)
    }
  }

  private mutating func header(_ words: [Word]) throws(SettingsError) -> Section {
    try expect(words, 2...3)
    guard let kind = SectionKind(parsing: words[1].text) else {
      throw SettingsError(.unknownSection(words[1].text), at: words[1].location)
    }
    let name = words.count == 3 ? words[2] : Word(text: "", location: words[1].location)
    guard name.text.count <= SettingsLimits.sectionName,
      name.text.bytes.allSatisfy({ $0.isNameCharacter })
    else {
      throw SettingsError(.badName(name.text), at: name.location)
    }
    count += 1
    if count > SettingsLimits.sections {
      throw SettingsError(.tooManySections, at: words[0].location)
    }
    return Section(
      kind: kind,
      name: name.text,
      location: words[0].location,
      nameLocation: name.location
    )
  }

  private mutating func add(_ words: [Word], isList: Bool) throws(SettingsError) {
    guard let section = pending else {
      throw SettingsError(.optionOutsideSection, at: words[0].location)
    }
    try expect(words, 3...3)
    guard let option = OptionName(parsing: words[1].text),
      let shape = section.kind.shape(of: option)
    else {
      throw SettingsError(
        .unknownOption(words[1].text, in: section.kind),
        at: words[1].location
      )
    }
    if shape == .single, isList { throw SettingsError(.notAList(option), at: words[0].location) }
    if shape == .list, !isList { throw SettingsError(.listNeeded(option), at: words[0].location) }
    for earlier in section.entries where earlier.option == option {
      guard isList, earlier.isList else {
        throw SettingsError(.duplicateOption(option), at: words[1].location)
      }
    }
    if section.entries.count >= SettingsLimits.optionsPerSection {
      throw SettingsError(.tooManyOptions, at: words[0].location)
    }
    pending?.entries.append(
      Entry(
        option: option,
        isList: isList,
        value: words[2].text,
        location: words[1].location,
        valueLocation: words[2].location
      )
    )
  }
}

extension Text {
  /// Whether this is the keyword, or its first letter, which UCI takes for it.
  fileprivate func isKeyword(_ keyword: StaticString) -> Bool {
    matches(keyword) || (count == 1 && bytes.first == keyword.withUTF8Buffer { $0.first })
  }
}

extension UInt8 {
  /// Whether a section's name may hold this byte: a letter, a digit, `_` or `-`.
  fileprivate var isNameCharacter: Bool {
    isLetterOrDigit || self == UInt8(ascii: "_") || self == UInt8(ascii: "-")
  }

  /// Whether this is an ASCII letter or digit.
  var isLetterOrDigit: Bool {
    switch self {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    default: false
    }
  }
}
