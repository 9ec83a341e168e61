import Bytes
import Model

extension WhyReport {
  /// The answer of `cordonctl why`: one sentence for each mitigation that concerns the subject.
  public func text(_ style: TextStyle) -> Text {
    let sentences = mitigations.map { subject.label + ": " + $0.sentence(about: subject) + "\n" }
    switch state {
    case .exempt:
      return subject.label + ": protected: no request can touch it\n" + sentences.joined("")
    case .quarantined where mitigations.isEmpty:
      return subject.label + ": in quarantine\n"
    case .clear, .blocked, .quarantined:
      if mitigations.isEmpty { return subject.label + ": not blocked, no mitigation names it\n" }
      return sentences.joined("")
    }
  }
}

extension MitigationSummary {
  /// What is done to which traffic, by whom, until when, and how much it was.
  fileprivate func sentence(about subject: DeviceSubject) -> Text {
    var text = traffic(about: subject) + " " + verb + " mitigation " + id.text
    text += " of " + client + " (mid " + Text(decimal: mid) + ")"
    if let start { text += " since " + start.timestamp }
    switch remaining {
    case .seconds(let seconds): text += ", for another " + Quantity.duration(UInt64(seconds))
    case .indefinite: text += ", until it is withdrawn"
    }
    if let dropped {
      text += "; " + Quantity.count(dropped.packets, "packet")
      text += action == .observe ? " counted" : " dropped"
    }
    // Whom the router found behind its public address.
    var lead: Text = "; sent by "
    for device in devices where device.found != .request {
      text += lead + device.text
      lead = ", "
    }
    return text.printable
  }

  private var verb: Text {
    switch (status, action) {
    case (.attackMitigationSignalLoss, _): "is to be stopped once the signal is lost, by"
    case (.dotsClientWithdrawnMitigation, .block): "is still blocked, after its withdrawal, by"
    case (_, .block): "is blocked by"
    case (_, .limit): "is limited by"
    case (_, .quarantine): "is stopped by the quarantine of"
    case (_, .ask): "waits for the owner's consent to"
    case (_, .observe): "is counted, not stopped, by"
    }
  }

  /// Which traffic: the source only where the subject isn't it.
  private func traffic(about subject: DeviceSubject) -> Text {
    var text: Text = "traffic"
    if !isSource(subject), !scope.sourcePrefixes.isEmpty {
      text += " from " + Self.some(scope.sourcePrefixes.map { $0.shortText })
    }
    if !scope.sourcePortRanges.isEmpty {
      text += " from port " + Self.some(scope.sourcePortRanges.map { $0.text })
    }
    if scope.targetPrefixes.contains(where: { !$0.isEverything }) {
      text += " to " + Self.some(scope.targetPrefixes.map { $0.shortText })
    } else {
      text += " to everywhere"
    }
    if !scope.targetProtocols.isEmpty {
      text += " " + Self.some(scope.targetProtocols.map { protocolLabel($0) })
    }
    if !scope.targetPortRanges.isEmpty {
      text += " port " + Self.some(scope.targetPortRanges.map { $0.text })
    }
    if !scope.sourceICMPTypeRanges.isEmpty {
      text += " icmp type " + Self.some(scope.sourceICMPTypeRanges.map { $0.text })
    }
    return text
  }

  private func isSource(_ subject: DeviceSubject) -> Bool {
    switch subject {
    case .address(let address): scope.sourcePrefixes.contains { $0.contains(address) }
    case .mac(let mac): devices.contains { $0.mac == mac }
    }
  }

  /// How many values a sentence bears.
  private static let most = 3

  private static func some(_ values: [Text]) -> Text {
    let shown = [Text](values.prefix(most)).joined(", ")
    let rest = values.count - most
    return rest > 0 ? shown + " and " + Text(decimal: rest) + " more" : shown
  }
}

extension Prefix {
  /// The address alone where the block is one address.
  fileprivate var shortText: Text { isHost ? address.text : text }
}
