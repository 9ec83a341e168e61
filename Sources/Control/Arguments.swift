import Bytes
import Link
import Model

/// What the command line of `cordonctl` asks for.
public struct Arguments: Hashable, Sendable {
  /// A command and its argument.
  public enum Command: Hashable, Sendable {
    /// Core is asked.
    case ask(ControlCommand)
    /// All that is counted, for a monitoring system.
    case metrics
    /// What changes with mitigations, until it is interrupted.
    case watch
    case version
    case help
  }

  /// Why a command line can't be understood.
  public enum Mistake: Error, Hashable, Sendable {
    case commandMissing
    case unknownCommand(Text)
    case unknownOption(Text)
    case socketMissing
    case argumentMissing(of: Text, what: Text)
    case surplus(Text)
    case notAnAddress(Text)
    case notAMAC(Text)
    case notAnID(Text)
    case notConsent(Text)
  }

  /// The control socket; nil: the usual ones.
  public var socket: Text?
  /// Whether the answer is to be JSON.
  public var isJSON = false
  /// What to do.
  public var command: Command

  /// Reads the words of a command line, the program's name left out; options may stand anywhere.
  public init(_ words: [Text]) throws(Mistake) {
    var socket: Text?
    var isJSON = false
    var positional: [Text] = []
    var rest = words[...]
    while let word = rest.popFirst() {
      if word == "--json" {
        isJSON = true
      } else if word == "--socket" {
        socket = try Self.path(rest.popFirst())
      } else if word.hasPrefix("--socket=") {
        socket = try Self.path(word.dropFirst(9))
      } else if word == "--version" || word == "--help" || word == "-h" {
        self.init(command: word == "--version" ? .version : .help)
        return
      } else if word.hasPrefix("-") {
        throw .unknownOption(word)
      } else {
        positional.append(word)
      }
    }
    guard let name = positional.first else { throw .commandMissing }
    let command = try Self.command(name, [Text](positional.dropFirst()))
    // There is one form of them.
    if isJSON, command == .metrics { throw .surplus("--json") }
    self.init(socket: socket, isJSON: isJSON, command: command)
  }

  private init(socket: Text? = nil, isJSON: Bool = false, command: Command) {
    self.socket = socket
    self.isJSON = isJSON
    self.command = command
  }

  private static func path(_ word: Text?) throws(Mistake) -> Text {
    guard let word, !word.isEmpty else { throw .socketMissing }
    return word
  }

  private static func command(_ name: Text, _ arguments: [Text]) throws(Mistake) -> Command {
    let words = Words(command: name, arguments)
    if name == "status" {
      try words.expect([])
      return .ask(.status)
    }
    if name == "mitigations" {
      try words.expect([])
      return .ask(.mitigations)
    }
    if name == "why" {
      try words.expect(["ADDRESS|MAC"])
      return .ask(.why(try subject(arguments[0])))
    }
    if name == "devices" {
      try words.expect([])
      return .ask(.devices)
    }
    if name == "quarantine" || name == "release" || name == "code" {
      try words.expect(["MAC"])
      guard let mac = MACAddress(parsing: arguments[0]) else { throw .notAMAC(arguments[0]) }
      if name == "quarantine" { return .ask(.quarantine(mac)) }
      return .ask(name == "release" ? .release(mac) : .code(mac))
    }
    if name == "consent" {
      try words.expect(["ID", "yes|no"])
      guard let id = arguments[0].decimal(as: UInt32.self), id > 0 else {
        throw .notAnID(arguments[0])
      }
      guard arguments[1] == "yes" || arguments[1] == "no" else { throw .notConsent(arguments[1]) }
      return .ask(.consent(MitigationID(id), arguments[1] == "yes"))
    }
    if name == "reload" || name == "metrics" || name == "watch" {
      try words.expect([])
      return name == "reload" ? .ask(.reload) : name == "metrics" ? .metrics : .watch
    }
    throw .unknownCommand(name)
  }

  private static func subject(_ word: Text) throws(Mistake) -> DeviceSubject {
    if let mac = MACAddress(parsing: word) { return .mac(mac) }
    if let address = IPAddress(parsing: word) { return .address(address.unmapped) }
    throw .notAnAddress(word)
  }
}

/// The words behind a command.
private struct Words {
  let command: Text
  let arguments: [Text]

  init(command: Text, _ arguments: [Text]) {
    self.command = command
    self.arguments = arguments
  }

  /// Throws unless there is exactly one word for each of `wanted`.
  func expect(_ wanted: [Text]) throws(Arguments.Mistake) {
    if arguments.count < wanted.count {
      throw .argumentMissing(of: command, what: wanted[arguments.count])
    }
    if arguments.count > wanted.count { throw .surplus(arguments[wanted.count]) }
  }
}

extension Arguments.Mistake: CustomTextConvertible {
  /// One line that says what is wrong.
  public var text: Text {
    switch self {
    case .commandMissing: "a command is missing"
    case .unknownCommand(let word): "there is no command '\(word)'"
    case .unknownOption(let word): "there is no option '\(word)'"
    case .socketMissing: "--socket needs a path"
    case .argumentMissing(let command, let what): "\(command) needs \(what)"
    case .surplus(let word): "'\(word)' is one word too many"
    case .notAnAddress(let word): "'\(word)' is no IP address and no hardware address"
    case .notAMAC(let word): "'\(word)' is no hardware address (00:11:22:33:44:55)"
    case .notAnID(let word): "'\(word)' is no mitigation's number"
    case .notConsent(let word): "'\(word)' is neither yes nor no"
    }
  }
}
