import Bytes
import HTTP
import JSON
import Model

/// Whose host it is, where the page is, and what interception answers.
extension Portal {
  /// Whether `host` is this portal: its name, or one of the router's addresses.
  ///
  /// A name that somebody else made to lead here (DNS rebinding) isn't.
  func isOwn(_ host: Text, _ connection: PortalConnection) -> Bool {
    var name = host.bytes[...]
    var port: ArraySlice<UInt8> = []
    let isLiteral = name.first == 0x5B
    if isLiteral {
      guard let end = name.firstIndex(of: 0x5D) else { return false }
      port = name[(end + 1)...]
      name = name[(name.startIndex + 1)..<end]
    } else if let colon = name.firstIndex(of: 0x3A) {
      port = name[colon...]
      name = name[..<colon]
    }
    if let colon = port.first {
      let number = Text([UInt8](port.dropFirst())).decimal(as: UInt16.self)
      guard colon == 0x3A, number == settings.port || number == 80 || number == 443 else {
        return false
      }
    }
    let own = Text([UInt8](name))
    if let address = IPAddress(parsing: own) {
      return (address.family == .v6) == isLiteral
        && (address == connection.local || home.contains(address))
    }
    return !own.isEmpty && !isLiteral && (own == settings.name || own == settings.apiName)
  }

  /// The page's URL for this connection, with a slash at its end.
  func url(_ connection: PortalConnection) -> Text {
    if connection.isSecure, let name = settings.apiName { return "https://" + name + "/" }
    var result: Text = "http://"
    if let name = settings.name {
      result += name
    } else {
      let address = reachable(connection.local)
      result += address.family == .v6 ? "[" + address.text + "]" : address.text
    }
    return result + ":" + Text(decimal: settings.port) + "/"
  }

  /// No URL can name a link-local address: another one of this router then.
  private func reachable(_ local: IPAddress) -> IPAddress {
    guard local.isLinkLocal else { return local }
    var result = local
    for address in home where !address.isLinkLocal {
      if address.family == .v6 { return address }
      result = address
    }
    return result
  }

  /// The answer to what was meant for somebody else (RFC 6585, Section 6).
  func intercepted(_ request: HTTPRequest, _ connection: PortalConnection) -> HTTPResponse {
    let url = url(connection)
    if request.method != .post, request.acceptance(of: "text", "html") > 0 {
      return redirect(HTTPStatus.found, to: url)
    }
    var response = HTTPResponse(HTTPStatus.networkAuthenticationRequired)
    response.body =
      ("This device is in quarantine: its network access is limited. See " + url + "\n").bytes
    response.add("Content-Type", "text/plain")
    response.add("Link", "<" + url + ">; rel=\"help\"")
    response.add("Cache-Control", "no-store")
    return response
  }

  /// Sends a device that is in no quarantine to where it wanted to go: over a new connection, which
  /// leads there now.
  func onward(_ request: HTTPRequest) -> HTTPResponse {
    var url = "http://" + request.host + request.path
    if !request.query.isEmpty { url += "?" + request.query }
    return redirect(HTTPStatus.found, to: url)
  }

  func redirect(_ status: UInt16, to url: Text) -> HTTPResponse {
    var html = HTMLWriter()
    html.markup("<!DOCTYPE html><title>Quarantine</title><a href=\"")
    html.text(url)
    html.markup("\">")
    html.text(url)
    html.markup("</a>")
    var response = HTTPResponse(status, body: html.bytes)
    response.add("Location", url)
    response.add("Cache-Control", "no-store")
    response.addPageFields()
    return response
  }

  /// Whether a form was sent by our own page, as far as the browser says so.
  func comesFromPage(_ request: HTTPRequest, _ connection: PortalConnection) -> Bool {
    for name in ["origin", "referer"] as [Text] {
      guard let value = request.value(of: name) else { continue }
      let scheme: Text = connection.isSecure ? "https://" : "http://"
      guard value.hasPrefix(scheme) else { return false }
      let host = value.dropFirst(scheme.count).split(0x2F)[0].asciiLowercased
      guard isOwn(host, connection) else { return false }
    }
    return true
  }

  /// A browser came upon the API (RFC 8910, Section 2).
  func prefersPage(_ request: HTTPRequest) -> Bool {
    request.acceptance(of: "text", "html") > request.acceptance(of: "application", "captive+json")
  }

  func apiRedirect(_ connection: PortalConnection) -> HTTPResponse {
    var response = redirect(HTTPStatus.found, to: url(connection))
    response.add("Vary", "Accept")
    return response
  }

  /// The state of the device that asks (RFC 8908, Section 5).
  func api(_ view: PortalView) -> HTTPResponse {
    var members = [JSONMember("captive", .bool(view.story != nil))]
    let page = JSONValue.string("https://" + (settings.apiName ?? "") + "/")
    if let story = view.story {
      members.append(JSONMember("user-portal-url", page))
      members.append(JSONMember("can-extend-session", .bool(story.releasesLeft > 0)))
    } else if !view.others.isEmpty {
      members.append(JSONMember("venue-info-url", page))
    }
    var response = HTTPResponse(HTTPStatus.ok, body: JSONValue.object(members).text().bytes)
    response.add("Content-Type", "application/captive+json")
    response.add("Cache-Control", "private, no-store")
    response.add("Vary", "Accept")
    response.add("X-Content-Type-Options", "nosniff")
    return response
  }

  func language(of request: HTTPRequest) -> Language {
    if let chosen = formValue(of: "lang", in: request.query),
      let index = Language.tags.firstIndex(of: chosen)
    {
      return Language(index)
    }
    return Language(request.preferredLanguage(among: Language.tags) ?? 0)
  }

  func languageQuery(_ request: HTTPRequest) -> Text { "?lang=" + language(of: request).tag }

  /// A page that says one thing.
  func notice(_ status: UInt16, _ key: TextKey, for request: HTTPRequest) -> HTTPResponse {
    let page = Page(language(of: request), theme, wall: UnixTime(seconds: 0))
    page.notice(key)
    return page.response(status)
  }

  var stylesheet: HTTPResponse {
    var body = Text(stringLiteral: Stylesheet.rules)
    if let color = theme.color { body += "html{--c:" + color + "}" }
    var response = HTTPResponse(HTTPStatus.ok, body: body.bytes)
    response.add("Content-Type", "text/css")
    response.addStaticFields()
    return response
  }
}

extension HTTPResponse {
  /// What every page has: nothing but our own style and logo, no frame around it, no form elsewhere.
  ///
  /// The policy for referrers is not no-referrer, with which browsers send `Origin: null` beside our
  /// own forms.
  mutating func addPageFields() {
    add("Content-Type", "text/html; charset=utf-8")
    add(
      "Content-Security-Policy",
      """
      default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
      frame-ancestors 'none'; base-uri 'none'
      """
    )
    add("Referrer-Policy", "same-origin")
    add("X-Content-Type-Options", "nosniff")
  }

  /// What hardly changes.
  mutating func addStaticFields() {
    add("Cache-Control", "max-age=3600")
    add("X-Content-Type-Options", "nosniff")
  }
}

extension IPAddress {
  /// fe80::/10 or 169.254.0.0/16 (RFC 4291, Section 2.5.6; RFC 3927).
  fileprivate var isLinkLocal: Bool {
    family == .v6 ? high >> 54 == 0x3FA : low >> 16 == 0xA9FE
  }
}
