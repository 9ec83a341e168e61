import Bytes
import HTTP
import Model

/// Where a request came in.
public struct PortalConnection: Hashable, Sendable {
  /// Who asks.
  public var peer: IPAddress
  /// The router's address that was reached, after redirection.
  public var local: IPAddress
  /// Whether it came over TLS, through the front of the API.
  public var isSecure: Bool

  /// A connection of these parts; mapped IPv4 addresses become IPv4.
  public init(peer: IPAddress, local: IPAddress, isSecure: Bool = false) {
    self.peer = peer.unmapped
    self.local = local.unmapped
    self.isSecure = isSecure
  }
}

/// What to do with a request.
public enum PortalStep: Hashable, Sendable {
  /// Answer this.
  case answer(HTTPResponse)
  /// Ask core what the peer may see, then `Portal.answer`.
  case look
  /// Tell core what the peer wishes, then `Portal.answer`.
  case wish(PortalWish)
}

/// The page that names a device in quarantine, and the way out: who gets which answer.
///
/// No request can choose for whom it speaks: core knows the device by the peer's address.
public struct Portal: Sendable {
  /// The settings; they may change at a reload.
  public var settings: PortalSettings
  /// The ISP's looks and words.
  public var theme: PortalTheme
  /// The router's own addresses in the home, as core told them last.
  public var home: [IPAddress] = []

  var tokens = TokenTable()

  /// A portal of these settings.
  public init(settings: PortalSettings, theme: PortalTheme = PortalTheme()) {
    self.settings = settings
    self.theme = theme
  }

  /// What to do with a request.
  public mutating func receive(
    _ request: HTTPRequest,
    from connection: PortalConnection,
    now: Instant
  ) -> PortalStep {
    guard isOwn(request.host, connection) else {
      // A device that was released may still use a connection from before.
      if request.method != .post, !connection.isSecure { return .look }
      return .answer(intercepted(request, connection))
    }
    let place = Place(request.path)
    if request.method == .post { return receivedPost(request, at: place, from: connection, now) }
    switch place {
    case .page: return .look
    case .style: return .answer(stylesheet)
    case .logo:
      if let logo = theme.logo { return .answer(logo.response) }
    case .check, .release:
      // Somebody reloads what a form led to: nothing happens on GET.
      return .answer(redirect(HTTPStatus.seeOther, to: "/" + languageQuery(request)))
    case .api:
      guard connection.isSecure, settings.apiName != nil else { break }
      return prefersPage(request) ? .answer(apiRedirect(connection)) : .look
    case nil: break
    }
    return .answer(notice(HTTPStatus.notFound, .notFound, for: request))
  }

  /// The answer to a request that core was asked about.
  ///
  /// `outcome` is what a wish came to, nil for a look. `random` holds at least 16 bytes that nobody
  /// can guess, new for each call; with fewer, the page has no buttons.
  public mutating func answer(
    _ request: HTTPRequest,
    view: PortalView,
    outcome: WishOutcome?,
    from connection: PortalConnection,
    now: Instant,
    wall: UnixTime,
    random: [UInt8]
  ) -> HTTPResponse {
    guard isOwn(request.host, connection) else {
      return view.story == nil ? onward(request) : intercepted(request, connection)
    }
    if request.method == .post { return result(outcome ?? .failed, of: request) }
    if Place(request.path) == .api { return api(view) }
    let page = Page(language(of: request), theme, wall: wall)
    let shown = Self.shown(request, view)
    if let story = view.story {
      var token: Text?
      if request.method == .get {
        let mac = story.device.mac
        token = tokens.issue(to: mac, at: connection.peer, random: random, now: now)
      }
      page.quarantine(story, settings, outcome: shown, token: token)
    } else {
      page.status(view, settings, outcome: shown, address: url(connection))
    }
    return page.response(HTTPStatus.ok)
  }

  /// The answer when core can't be asked.
  public func unavailable(
    _ request: HTTPRequest,
    from connection: PortalConnection
  ) -> HTTPResponse {
    guard isOwn(request.host, connection) else { return intercepted(request, connection) }
    var response = notice(HTTPStatus.serviceUnavailable, .unavailable, for: request)
    response.add("Retry-After", "5")
    return response
  }

  private mutating func receivedPost(
    _ request: HTTPRequest,
    at place: Place?,
    from connection: PortalConnection,
    _ now: Instant
  ) -> PortalStep {
    guard place == .check || place == .release else {
      var response = notice(HTTPStatus.notFound, .notFound, for: request)
      if place != nil {
        response = HTTPResponse(HTTPFault.methodNotAllowed.rawValue, body: response.body)
        response.add("Allow", "GET, HEAD")
        response.addPageFields()
      }
      return .answer(response)
    }
    let form = Text(request.body)
    guard comesFromPage(request, connection), let token = formValue(of: "token", in: form),
      tokens.consume(token, from: connection.peer, now: now)
    else { return .answer(notice(HTTPStatus.forbidden, .stale, for: request)) }
    if place == .check { return .wish(.checkAgain) }
    guard let code = Self.code(in: form) else { return .answer(result(.wrongCode, of: request)) }
    return .wish(.release(code: code))
  }

  /// The code without spaces, which people add; empty when there is none, nil when it can't be one.
  private static func code(in form: Text) -> Text? {
    let field = formValue(of: "code", in: form) ?? ""
    var code = Text([])
    for byte in field.bytes where byte != 0x20 {
      guard byte > 0x20, byte < 0x7F, code.count < maximumCode else { return nil }
      code.bytes.append(byte)
    }
    return code
  }

  /// The longest code that core takes, in bytes.
  static let maximumCode = 32

  /// The page again, which says what came of it: reloading that repeats nothing.
  private func result(_ outcome: WishOutcome, of request: HTTPRequest) -> HTTPResponse {
    let tag = language(of: request).tag
    return redirect(
      HTTPStatus.seeOther,
      to: "/?lang=" + tag + "&done=" + Text(decimal: outcome.rawValue)
    )
  }

  /// What the page says of a wish that went before; never what isn't true, because anybody can make
  /// such a link.
  private static func shown(_ request: HTTPRequest, _ view: PortalView) -> WishOutcome? {
    guard let done = formValue(of: "done", in: request.query)?.decimal(as: UInt8.self),
      let outcome = WishOutcome(rawValue: done)
    else { return nil }
    let left = view.story?.releasesLeft
    let recent = view.story?.recentPackets ?? 0
    let isTrue =
      switch outcome {
      case .released: left == nil && view.released != nil
      case .notQuarantined: left == nil
      case .noneLeft: left == 0
      case .stillActive, .quiet, .wrongCode, .tooSoon, .failed: left != nil
      }
    guard isTrue else { return nil }
    // The counters may have moved on since.
    if outcome == .stillActive || outcome == .quiet { return recent > 0 ? .stillActive : .quiet }
    return outcome
  }
}

/// The paths that there are.
enum Place {
  case page, style, logo, check, release, api

  init?(_ path: Text) {
    switch path {
    case "/": self = .page
    case "/style.css": self = .style
    case "/logo": self = .logo
    case "/check": self = .check
    case "/release": self = .release
    case "/captive-portal/api": self = .api
    default: return nil
    }
  }
}
