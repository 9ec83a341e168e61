import Bytes

extension SettingsFault: CustomTextConvertible {
  /// One sentence that says what is wrong and, where it helps, what to write instead.
  public var text: Text {
    switch self {
    case .fileTooLarge: "the file has more than \(SettingsLimits.fileSize) bytes"
    case .tooManySections: "more than \(SettingsLimits.sections) sections"
    case .tooManyOptions: "more than \(SettingsLimits.optionsPerSection) lines in one section"
    case .wordTooLong: "a word of more than \(SettingsLimits.wordLength) bytes"
    case .controlCharacter(let byte): "a control character (byte \(byte))"
    case .notUTF8: "this is no UTF-8"
    case .unterminatedQuote: "this quote is not closed on its line"
    case .unknownKeyword(let word):
      "'\(word.shown)' is none of config, option, list and package"
    case .wordMissing: "the line ends too early"
    case .unexpectedWord: "the line should have ended before this word: a quote is missing?"
    case .badName(let name):
      "'\(name.shown)': a name is 1 to \(SettingsLimits.sectionName) letters, digits, _ and -"
    case .optionOutsideSection: "this stands before the first config line"
    case .unknownSection(let name): "there is no section '\(name.shown)'"
    case .unknownOption(let name, let kind):
      "a section \(kind.name) has no option '\(name.shown)'"
    default: contentDescription
    }
  }

  /// The faults of sections as wholes and of values.
  private var contentDescription: Text {
    switch self {
    case .notAList(let option): "\(option.name) has one value: write option, not list"
    case .listNeeded(let option): "\(option.name) is a list: write list, not option"
    case .duplicateOption(let option): "\(option.name) stands here a second time"
    case .duplicateSection(let kind): "there can be one section \(kind.name) only"
    case .duplicateSectionName(let kind, let name):
      "there is another section \(kind.name) '\(name.shown)'"
    case .duplicateClient(let name): "another section client has the name '\(name.shown)'"
    case .agentMissing: "there is no section agent"
    case .nameMissing(let kind):
      "a section \(kind.name) needs a name: config \(kind.name) 'NAME'"
    case .optionMissing(let option, let kind):
      "section \(kind.name) lacks \(option.name)"
    case .badValue(let value, let option, let form):
      "\(option.name): '\(value.shown)' is not \(form)"
    case .interfaceOnBothSides(let name): "'\(name.shown)' is in wan and in lan"
    case .unknownClient(let name): "there is no section client '\(name.shown)'"
    case .protectsTooMuch: "section protect needs mac, source or prefix"
    case .protectsNothing: "no packet is udp and tcp at once: write two sections"
    case .listensTwice: "another section listen has this address and port"
    default: ""
    }
  }
}

extension ValueForm: CustomTextConvertible {
  /// What a value of this form is, to follow "is not".
  public var text: Text {
    switch self {
    case .boolean: "a switch (1 or 0, yes or no, on or off, true or false)"
    case .number(let range): "a number from \(range.lowerBound) to \(range.upperBound)"
    case .rate: "a rate (a number and bit, kbit, mbit or gbit; at least 8 bit)"
    case .address: "an IP address"
    case .prefix: "an IP prefix (ADDRESS/LENGTH)"
    case .macPrefix: "a hardware address or the first bytes of one (00:11:22)"
    case .portRange: "a port from 1 to 65535 or a range of them (A-B)"
    case .portSet: "the bits of an offset, those of a set's number, and the number (6 8 52)"
    case .path(let maximum): "an absolute path of at most \(maximum) bytes"
    case .digest: "a SHA-256 digest (64 hexadecimal digits)"
    case .interface: "an interface's name (1 to 15 characters)"
    case .user: "a user's name"
    case .host: "a host's name or address"
    case .hostName: "a host's name of at most 228 bytes"
    case .server: "a server's name, then its addresses if they are known"
    case .text(let maximum): "a text of 1 to \(maximum) bytes"
    default: choices
    }
  }

  private var choices: Text {
    switch self {
    case .action: "block, limit, quarantine, ask or observe"
    case .requestedAction: "block, limit or quarantine"
    case .askDefault: "block or refuse"
    case .conflict: "accept or reject"
    case .overlap: "scope or target"
    case .offload: "flush or empty"
    case .logLevel: "error, warning, info or debug"
    case .transport: "udp or tcp"
    case .callHomeTransport: "udp, tcp or auto"
    default: ""
    }
  }
}

extension Text {
  /// The text cut to what an error line can bear.
  fileprivate var shown: Text {
    count <= 80 ? repaired : Text([UInt8](bytes.prefix(80))).repaired + "…"
  }
}
