import Bytes
import JSON
import Model

/// What happened to a mitigation between two looks.
public struct MitigationNews: Hashable, Sendable {
  /// What it is.
  public enum Kind: Hashable, Sendable {
    /// It is new.
    case begun
    /// Its status, action, conflict or devices are others.
    case changed
    /// It is gone.
    case ended
  }

  /// What happened.
  public var kind: Kind
  /// The mitigation, as it was seen last.
  public var mitigation: MitigationSummary

  /// What happened between two lists: first what is gone, then what is new or others, each in its
  /// order.
  public static func between(
    _ before: [MitigationSummary],
    _ now: [MitigationSummary]
  ) -> [MitigationNews] {
    var news: [MitigationNews] = []
    for old in before where !now.contains(where: { $0.id == old.id }) {
      news.append(MitigationNews(kind: .ended, mitigation: old))
    }
    for new in now {
      guard let old = before.first(where: { $0.id == new.id }) else {
        news.append(MitigationNews(kind: .begun, mitigation: new))
        continue
      }
      let isSame =
        old.status == new.status && old.action == new.action && old.conflict == new.conflict
        && old.devices == new.devices
      if !isSame { news.append(MitigationNews(kind: .changed, mitigation: new)) }
    }
    return news
  }

  private var label: Text {
    switch kind {
    case .begun: "begun"
    case .changed: "changed"
    case .ended: "ended"
    }
  }

  /// One line of JSON.
  public func jsonLine(at now: UnixTime) -> Text {
    JSONValue.object([
      "version": version, "time": .string(now.timestamp), "event": .string(label),
      "mitigation": mitigation.json,
    ]).text() + "\n"
  }

  /// One line in words.
  public func line(at now: UnixTime) -> Text {
    var line: Text = "\(now.timestamp) mitigation \(mitigation.id.text) of \(mitigation.client)"
    line +=
      " (mid \(mitigation.mid)) \(label): \(mitigation.action.label), \(mitigation.status.label)"
    if let dropped = mitigation.dropped { line += ", " + dropped.text }
    for device in mitigation.devices { line += ", " + device.text }
    return line.printable + "\n"
  }
}
