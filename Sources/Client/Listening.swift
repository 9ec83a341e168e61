import Bytes
import Model

/// Routers are waited for: for one command, or as a service.
public struct Listening: Hashable, Sendable {
  /// What is done with those who call.
  public enum Purpose: Hashable, Sendable {
    /// The first gets this command.
    case once(Command)
    /// All are kept, and spoken with through the socket at this path.
    case serve(control: Text)
  }

  /// Where they are waited for.
  public var place: Place
  /// What may carry sessions.
  public var transports: [Transport]
  /// How we prove who we are.
  public var proof: Call.Proof
  /// The client's identifier; nil: made from what it proves.
  public var cuid: Text?
  /// How long a router may take to call, when it is said, and each answer to come.
  public var patience: Span?
  /// Whether answers are JSON.
  public var isJSON: Bool
  /// What for.
  public var purpose: Purpose

  init(_ line: [Text]) throws(Mistake) {
    var words = try Words(line)
    isJSON = words.takeFlag("--json")
    guard let name = words.takeWord() else { throw .commandMissing }
    guard let word = try words.take("--listen") else { throw .missing("--listen", of: name) }
    place = try Place(word)
    if name == "serve" {
      guard let path = try words.take("--control") else { throw .missing("--control", of: name) }
      purpose = .serve(control: path)
    } else {
      purpose = .once(try Command(name, &words))
    }
    transports = try Call.transports(try words.take("--transport") ?? "auto")
    proof = try Call.Proof(&words)
    cuid = try words.takeCuid()
    patience = try words.take("--timeout").map(Call.patience)
    try words.end(of: name)
  }
}

/// What is asked of a service, which holds the sessions.
public struct Order: Hashable, Sendable {
  /// What it is to do.
  public enum Task: Hashable, Sendable {
    /// Tell who has a session.
    case sessions
    /// Ask this of a router.
    case command(Command)
  }

  /// The path of its socket.
  public var control: Text
  /// The router that is meant; nil: the only one.
  public var router: Text?
  /// Whether answers are JSON.
  public var isJSON: Bool
  /// What it is to do.
  public var task: Task

  /// Whether its answers go on.
  var isWatching: Bool {
    if case .command(let command) = task { command.isWatching } else { false }
  }

  /// Reads the words of a command line, which is also what the service is sent.
  init(_ line: [Text]) throws(Mistake) {
    var words = try Words(line)
    isJSON = words.takeFlag("--json")
    guard let name = words.takeWord() else { throw .commandMissing }
    guard let path = try words.take("--control") else { throw .missing("--control", of: name) }
    control = path
    router = try words.take("--router")
    task = name == "sessions" ? .sessions : .command(try Command(name, &words))
    try words.end(of: name)
  }
}

extension Words {
  /// Takes the client's identifier.
  mutating func takeCuid() throws(Mistake) -> Text? {
    let cuid = try take("--cuid")
    if let cuid, cuid.count > 64 { throw .not(cuid, what: "a cuid of at most 64 bytes") }
    return cuid
  }
}
