import Bytes
import Model

/// What the command line of `cordon-client` asks for.
public indirect enum Arguments: Hashable, Sendable {
  /// A server is asked.
  case call(Call)
  /// Routers are waited for.
  case listen(Listening)
  /// A service is asked, with these words.
  case order(Order, words: [Text])
  case version
  case help

  /// Reads the words of a command line, the program's name left out; options may stand anywhere.
  public init(_ words: [Text]) throws(Mistake) {
    if words.contains("--version") {
      self = .version
    } else if words.contains("--help") || words.contains("-h") {
      self = .help
    } else if try Words(words).has("--listen") {
      self = .listen(try Listening(words))
    } else if try Words(words).has("--control") {
      self = .order(try Order(words), words: words)
    } else {
      self = .call(try Call(words))
    }
  }
}

/// One command, and how the server is reached.
public struct Call: Hashable, Sendable {
  /// How the client proves who it is.
  public enum Proof: Hashable, Sendable {
    /// By files in PEM: its chain, the key of that, and the authorities of servers.
    case certificate(chain: Text, key: Text, trust: Text)
    /// By a key that both sides have, in a file.
    case presharedKey(identity: Text, file: Text)
  }

  /// How long the session may take to come up, and each answer to come, unless said otherwise.
  public static let usualPatience = Span.seconds(30)

  /// Where the server is.
  public var destination: Destination
  /// Its addresses, where another server told them; else they are looked up.
  public var addresses: [IPAddress] = []
  /// The name that its certificate has to carry; nil: the host's.
  public var serverName: Text?
  /// What may carry the session, the preferred first.
  public var transports: [Transport]
  /// How the client proves who it is.
  public var proof: Proof
  /// The client's identifier; nil: made from what it proves.
  public var cuid: Text?
  /// The file that keeps what resumes the session; nil: none.
  public var ticketFile: Text?
  /// How long the session may take to come up, and each answer to come.
  public var patience: Span
  /// Whether answers are JSON.
  public var isJSON: Bool
  /// What to ask.
  public var command: Command

  init(_ line: [Text]) throws(Mistake) {
    var words = try Words(line)
    isJSON = words.takeFlag("--json")
    guard let name = words.takeWord() else { throw .commandMissing }
    command = try Command(name, &words)
    guard let place = try words.take("--connect") else { throw .missing("--connect", of: name) }
    destination = try Destination(place)
    serverName = try words.take("--name")
    transports = try Self.transports(try words.take("--transport"))
    proof = try Proof(&words)
    cuid = try words.takeCuid()
    ticketFile = try words.take("--ticket")
    patience = try words.take("--timeout").map(Self.patience) ?? Self.usualPatience
    try words.end(of: name)
  }

  static func transports(_ word: Text?) throws(Mistake) -> [Transport] {
    guard let word, word != "udp" else { return [.udp] }
    if word == "tcp" { return [.tcp] }
    guard word == "auto" else { throw .not(word, what: "udp, tcp or auto") }
    return [.udp, .tcp]
  }

  static func patience(_ word: Text) throws(Mistake) -> Span {
    let what: Text = "a number of seconds from 1 to 3600"
    let seconds = try word.number(what, as: UInt16.self)
    guard (1...3600).contains(seconds) else { throw .not(word, what: what) }
    return .seconds(seconds)
  }
}

extension Call.Proof {
  init(_ words: inout Words) throws(Mistake) {
    let certificate = try words.take("--certificate")
    let key = try words.take("--key")
    let trust = try words.take("--trust")
    let identity = try words.take("--psk-identity")
    let file = try words.take("--psk-file")
    let hasCertificate = certificate != nil || key != nil || trust != nil
    let hasKey = identity != nil || file != nil
    guard !hasCertificate || !hasKey else { throw .credentialsMixed }
    guard hasCertificate || hasKey else { throw .credentialsMissing }
    if hasKey {
      guard let identity else { throw .missing("--psk-identity", of: "--psk-file") }
      guard let file else { throw .missing("--psk-file", of: "--psk-identity") }
      self = .presharedKey(identity: identity, file: file)
      return
    }
    guard let certificate, let key, let trust else { throw .credentialsMissing }
    self = .certificate(chain: certificate, key: key, trust: trust)
  }
}
