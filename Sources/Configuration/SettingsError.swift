import Bytes

/// A place in the settings file.
public struct SettingsLocation: Hashable, Comparable, Sendable, CustomTextConvertible {
  /// The line; the first is 1.
  public var line: Int
  /// The byte within the line; the first is 1.
  public var column: Int

  /// The place at this line and column.
  public init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }

  /// Earlier is smaller.
  public static func < (left: SettingsLocation, right: SettingsLocation) -> Bool {
    (left.line, left.column) < (right.line, right.column)
  }

  /// `LINE:COLUMN`.
  public var text: Text { "\(line):\(column)" }
}

/// The form that the value of an option must have.
public enum ValueForm: Hashable, Sendable {
  case boolean
  case number(ClosedRange<UInt32>)
  case rate
  case address
  case prefix
  case macPrefix
  case portRange
  case portSet
  case path(maximum: Int)
  case digest
  case interface
  case user
  case host
  case hostName
  case server
  case text(maximum: Int)
  case action
  case requestedAction
  case askDefault
  case conflict
  case overlap
  case offload
  case logLevel
  case transport
  case callHomeTransport
}

/// What is wrong with the settings file.
public enum SettingsFault: Hashable, Sendable {
  /// More bytes than `SettingsLimits.fileSize`.
  case fileTooLarge
  /// More than `SettingsLimits.sections` sections.
  case tooManySections
  /// More than `SettingsLimits.optionsPerSection` lines in one section.
  case tooManyOptions
  /// A word of more than `SettingsLimits.wordLength` bytes.
  case wordTooLong
  /// A control character, which no value can need.
  case controlCharacter(UInt8)
  /// A word that is no UTF-8.
  case notUTF8
  /// A quote that its line does not close.
  case unterminatedQuote
  /// A line that does not begin with `config`, `option`, `list` or `package`.
  case unknownKeyword(Text)
  /// A line that ends too early.
  case wordMissing
  /// A line that goes on after its last word.
  case unexpectedWord
  /// A section's name with other characters than letters, digits, `_` and `-`, or more than
  /// `SettingsLimits.sectionName` of them.
  case badName(Text)
  /// An `option` or `list` before the first `config`.
  case optionOutsideSection
  /// A type of section that does not exist.
  case unknownSection(Text)
  /// An option that a section of this kind does not have.
  case unknownOption(Text, in: SectionKind)
  /// `list` where `option` belongs.
  case notAList(OptionName)
  /// `option` where `list` belongs.
  case listNeeded(OptionName)
  /// The same option again.
  case duplicateOption(OptionName)
  /// A second section where there can be one.
  case duplicateSection(SectionKind)
  /// A second section of the kind with the same name.
  case duplicateSectionName(SectionKind, Text)
  /// A `client` section for a peer that another one names already.
  case duplicateClient(Text)
  /// No `agent` section.
  case agentMissing
  /// A section without its name, which tells it from others in reports.
  case nameMissing(SectionKind)
  /// A section without an option that has no default.
  case optionMissing(OptionName, in: SectionKind)
  /// A value of another form than the option's.
  case badValue(Text, of: OptionName, expected: ValueForm)
  /// An interface that is in `wan` and in `lan`.
  case interfaceOnBothSides(Text)
  /// A `policy` for a `client` section that does not exist.
  case unknownClient(Text)
  /// A `protect` section that would protect from every request: no mac, source or prefix.
  case protectsTooMuch
  /// A `protect` section that no packet matches: it wants udp and tcp at once.
  case protectsNothing
  /// Two `listen` sections with the same address and port.
  case listensTwice
}

/// What is wrong with the settings file, and where.
public struct SettingsError: Error, Hashable, Sendable, CustomTextConvertible {
  private struct Parts: Hashable, Sendable {
    var location: SettingsLocation
    var fault: SettingsFault
  }

  private let parts: Behind<Parts>

  /// An error of these parts.
  public init(_ fault: SettingsFault, at location: SettingsLocation) {
    parts = Behind(Parts(location: location, fault: fault))
  }

  /// Where: the word concerned; for what is missing, the `config` line of its section.
  public var location: SettingsLocation { parts.value.location }

  /// What.
  public var fault: SettingsFault { parts.value.fault }

  /// `LINE:COLUMN: TEXT`, to follow the file's name and a colon.
  public var text: Text { "\(location): \(fault)" }
}

/// Something that the settings ask for and that this version does not do.
public struct SettingsWarning: Hashable, Sendable, CustomTextConvertible {
  /// Where it stands.
  public var location: SettingsLocation
  /// The section that has no effect.
  public var section: SectionKind

  /// A warning of these parts.
  public init(_ section: SectionKind, at location: SettingsLocation) {
    self.section = section
    self.location = location
  }

  /// `LINE:COLUMN: TEXT`, to follow the file's name and a colon.
  public var text: Text {
    "\(location): section \(section.name) is not in this version yet: accepted, not used"
  }
}
