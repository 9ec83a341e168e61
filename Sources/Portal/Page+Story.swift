import Bytes
import Model

/// One quarantine, told on the device itself and on the others alike.
extension Page {
  /// What the headline says of it.
  func headline(_ story: QuarantineStory) {
    say(story.isAttack ? .headline : .ownerHeadline, text(story.device.kind.key))
  }

  /// The device: how its owner knows it, and what the router knows.
  func device(_ device: Device) {
    heading(.device)
    html.markup("<dl>")
    entry(.name, device.name)
    entry(.maker, device.vendor)
    for address in device.addresses.prefix(Self.maximumAddresses) { entry(.address, address.text) }
    entry(.hardware, hexadecimal(device.mac.bytes.suffix(3), separator: ":"))
    html.markup("</dl>")
    if device.mac.isRandom { paragraph(.random) }
  }

  /// What it did, in words and numbers.
  func happened(_ story: QuarantineStory) {
    heading(.happened)
    paragraph(story.isAttack ? .reported : .byOwner)
    html.markup("<dl>")
    entry(.since, at: story.since)
    entry(.lastSeen, at: story.lastSeen)
    // From left to right, or Arabic would have the unit before its number.
    let bytes = "\u{200E}" + size(story.stopped.bytes)
    entry(.stopped, packets(story.stopped.packets) + " (" + bytes + ")")
    entry(.recent, packets(story.recentPackets))
    if isInArticle { entry(.caseNumber, story.caseNumber) }
    html.markup("</dl>")
    // Several devices' would make the page too long.
    if !isInArticle { details(story) }
  }

  private func packets(_ count: UInt64) -> Text { text(.counts, with: number(count)) }

  private func details(_ story: QuarantineStory) {
    guard story.isAttack else { return }
    html.markup("<details><summary>")
    say(.details)
    html.markup("</summary><dl>")
    for cause in story.causes {
      guard case .mitigation(let client, let targets, let protocols, let ports) = cause else {
        continue
      }
      entry(.reporter, client)
      var list = Text([])
      for target in targets where !target.isEverything {
        list.list(target.isHost ? target.address.text : target.text)
      }
      entry(.targets, list)
      list = Text([])
      for number in protocols { list.list(Self.name(ofProtocol: number)) }
      entry(.protocols, list)
      list = Text([])
      for range in ports {
        let upper = range.lower == range.upper ? "" : "–" + Text(decimal: range.upper)
        list.list(Text(decimal: range.lower) + upper)
      }
      entry(.ports, list)
    }
    html.markup("</dl></details>")
  }

  private static func name(ofProtocol number: UInt8) -> Text {
    switch number {
    case 1: "ICMP"
    case 6: "TCP"
    case 17: "UDP"
    case 58: "ICMPv6"
    default: Text(decimal: number)
    }
  }

  /// What is blocked, what works, and how it ends.
  func rules(_ stories: [QuarantineStory], _ settings: PortalSettings) {
    heading(.rules)
    html.markup("<ul>")
    item(.blocked)
    item(.allowed)
    if !settings.garden.isEmpty {
      html.markup("<li>")
      say(.updates)
      for name in settings.garden.prefix(Self.maximumGarden) {
        html.markup(" ")
        html.link("https://" + name + "/", name)
      }
      html.markup("</li>")
    }
    if let story = stories.first, stories.count == 1 {
      if let ends = story.ends { item(.ends, date(ends)) } else { item(.endless) }
    }
    item(.lan)
    html.markup("</ul>")
  }

  /// What cleans this kind of device, in the order in which it helps.
  func steps(_ kind: DeviceKind, then: Bool) {
    heading(.steps)
    html.markup("<ol>")
    for key in kind.steps { item(key) }
    if then { item(.then) }
    html.markup("</ol>")
  }

  /// Addresses that help to know a device; all of them would only fill the page.
  private static let maximumAddresses = 4
  /// Names that one line can hold.
  private static let maximumGarden = 12
}

extension Text {
  /// Appends an item of a list.
  fileprivate mutating func list(_ item: Text) {
    if !isEmpty { self += ", " }
    self += item
  }
}

extension QuarantineStory {
  /// Whether anybody but the owner put it there.
  var isAttack: Bool {
    for case .mitigation in causes { return true }
    return false
  }
}

extension DeviceKind {
  /// How it is called in a sentence.
  var key: TextKey {
    switch self {
    case .camera: .camera
    case .phone: .handset
    case .computer: .computer
    case .television: .television
    case .printer: .printer
    case .other: .other
    }
  }

  var steps: [TextKey] {
    switch self {
    case .camera, .other: [.restart, .reset, .password, .firmware, .remote, .replace]
    case .phone: [.apps, .system, .accounts, .reinstall]
    case .computer: [.scan, .system, .apps, .accounts, .reinstall]
    case .television: [.apps, .firmware, .restart, .reset, .replace]
    case .printer: [.restart, .firmware, .password, .remote, .reset]
    }
  }
}
