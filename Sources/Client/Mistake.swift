import Bytes

/// Why a command line can't be understood.
public indirect enum Mistake: Error, Hashable, Sendable {
  case commandMissing
  case unknownCommand(Text)
  case unknownOption(Text)
  case valueMissing(of: Text)
  case valueSurplus(of: Text)
  case repeated(Text)
  case misplaced(Text, command: Text)
  case surplus(Text)
  case argumentMissing(of: Text, what: Text)
  /// What an option or command needs beside it.
  case missing(Text, of: Text)
  case credentialsMissing
  case credentialsMixed
  /// A word is not what it must be.
  case not(Text, what: Text)
}

extension Mistake: CustomTextConvertible {
  /// One line that says what is wrong.
  public var text: Text {
    switch self {
    case .commandMissing: "a command is missing"
    case .unknownCommand(let word): "there is no command '\(word)'"
    case .unknownOption(let word): "there is no option '\(word)'"
    case .valueMissing(let option): "\(option) needs a value"
    case .valueSurplus(let option): "\(option) takes no value"
    case .repeated(let option): "\(option) is there twice"
    case .misplaced(let option, let command): "\(option) does not go with \(command)"
    case .surplus(let word): "'\(word)' is one word too many"
    case .argumentMissing(let command, let what): "\(command) needs \(what)"
    case .missing(let option, let owner): "\(owner) needs \(option)"
    case .credentialsMissing:
      "--certificate, --key and --trust are needed, or --psk-identity and --psk-file"
    case .credentialsMixed: "either certificates or a pre-shared key, not both"
    case .not(let word, let what): "'\(word)' is not \(what)"
    }
  }
}
