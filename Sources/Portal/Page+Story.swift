import Bytes
import Model

/// One quarantine, told on the device itself and on the others alike.
extension Page {
  /// What the headline says of it.
  mutating func headline(_ story: QuarantineStory) {
    say(story.isAttack ? .headline : .ownerHeadline, text(story.device.kind.key))
  }

  /// The device: how its owner knows it, and what the router knows.
  mutating func device(_ device: Device) {
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
  mutating func happened(_ story: QuarantineStory) {
    heading(.happened)
    paragraph(story.isAttack ? .reported : .byOwner)
    html.markup("<dl>")
    entry(.since, moment(story.since))
    entry(.lastSeen, moment(story.lastSeen))
    entry(.stopped, packets(story.stopped.packets) + " (" + size(story.stopped.bytes) + ")")
    entry(.recent, packets(story.recentPackets))
    html.markup("</dl>")
    details(story)
  }

  private func packets(_ count: UInt64) -> Text {
    let words = text(.counts)
    let start = words.bytes.firstIndex(of: 0x7B) ?? words.count
    return Text([UInt8](words.bytes.prefix(start))) + number(count) + words.dropFirst(start + 2)
  }

  private mutating func details(_ story: QuarantineStory) {
    guard story.isAttack else { return }
    html.markup("<details><summary>")
    say(.details)
    html.markup("</summary>")
    for cause in story.causes {
      guard case .mitigation(let client, let targets, let protocols, let ports) = cause else {
        continue
      }
      html.markup("<dl>")
      entry(.reporter, client)
      for target in targets where !target.isEverything {
        entry(.targets, target.isHost ? target.address.text : target.text)
      }
      for number in protocols { entry(.protocols, Self.name(ofProtocol: number)) }
      for range in ports {
        let upper = range.lower == range.upper ? "" : "–" + Text(decimal: range.upper)
        entry(.ports, Text(decimal: range.lower) + upper)
      }
      html.markup("</dl>")
    }
    html.markup("</details>")
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
  mutating func rules(_ story: QuarantineStory, _ settings: PortalSettings) {
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
    if let ends = story.ends { item(.ends, date(ends)) } else { item(.endless) }
    item(.lan)
    html.markup("</ul>")
  }

  /// What cleans this kind of device, in the order in which it helps.
  mutating func steps(_ kind: DeviceKind, then: Bool) {
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

extension QuarantineStory {
  /// Whether anybody but the owner put it there.
  var isAttack: Bool { causes.contains { $0 != .owner } }
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
