import Bytes
import CoAP
import Model

/// A response or notification on `/mitigate`, as both roles see it (RFC 9132, Sections 4.4 and 9).
public struct DOTSResponse: Hashable, Sendable {
  private struct Parts: Hashable, Sendable {
    var code: CoAPCode
    var entries: [MitigationEntry] = []
    var diagnostic: Text = ""
    var maxAge: UInt32?
    var observe: UInt32?
    var alternate: AlternateServer?
  }

  private var parts: Behind<Parts>

  /// The response code.
  public var code: CoAPCode {
    get { parts.value.code }
    set { parts.value.code = newValue }
  }

  /// The entries of the body; none means that there is no body.
  public var entries: [MitigationEntry] {
    get { parts.value.entries }
    set { parts.value.entries = newValue }
  }

  /// What an error says; empty with a body, or when nothing is said.
  public var diagnostic: Text {
    get { parts.value.diagnostic }
    set { parts.value.diagnostic = newValue }
  }

  /// For how many seconds it holds, and how long to wait after a 5.03; nil for the default, 60.
  public var maxAge: UInt32? {
    get { parts.value.maxAge }
    set { parts.value.maxAge = newValue }
  }

  /// The number of a notification; nil when it is none.
  public var observe: UInt32? {
    get { parts.value.observe }
    set { parts.value.observe = newValue }
  }

  /// Where a 5.03 sends the client to, for `maxAge` seconds; nil when it doesn't.
  public var alternate: AlternateServer? {
    get { parts.value.alternate }
    set { parts.value.alternate = newValue }
  }

  /// A response without a body.
  public init(_ code: CoAPCode) { parts = Behind(Parts(code: code)) }

  /// The answer to a request that can't be taken.
  public init(_ error: PeerError) {
    self.init(error.code)
    diagnostic = error.diagnostic
  }

  /// Parses a response.
  ///
  /// Deployed servers label the body of a 5.03 as text, so the code decides what a payload is.
  public init(_ message: CoAPMessage) throws(PeerError) {
    self.init(message.code)
    maxAge = message.maxAge
    observe = message.observe
    guard !message.payload.isEmpty else { return }
    if code == .serviceUnavailable {
      alternate = try AlternateServer(parsing: message.payload)
    }
    if alternate != nil { return }
    if Self.hasBody(code) {
      entries = try MitigationBody.response(parsing: message.payload)
    } else {
      diagnostic = Text(message.payload)
    }
  }

  /// The response as a message; the message layer sets the token.
  public var message: CoAPMessage {
    var message = CoAPMessage(code)
    if !entries.isEmpty || alternate != nil {
      message.payload = alternate?.encoded ?? MitigationBody.encoded(entries)
      message.add(CoAPOption(.contentFormat, uint: UInt32(dotsContentFormat)))
    } else if !Self.hasBody(code) {
      message.payload = diagnostic.bytes
    }
    if let maxAge { message.add(CoAPOption(.maxAge, uint: maxAge)) }
    if let observe { message.add(CoAPOption(.observe, uint: observe)) }
    return message
  }

  /// Whether a payload under `code` is CBOR, never text (RFC 9132, Section 9).
  private static func hasBody(_ code: CoAPCode) -> Bool {
    code.major == 2 || code == .conflict || code == .serviceUnavailable
  }
}
