import Bytes
import Model

extension MitigationScope {
  /// Whether both ask for the same: lists compare as sets (RFC 9132, Section 4.4.1.3).
  func asksTheSame(as other: MitigationScope) -> Bool {
    if self == other { return true }
    return triggerMitigation == other.triggerMitigation && requestedAction == other.requestedAction
      && isSameSet(targetPrefixes, other.targetPrefixes)
      && isSameSet(sourcePrefixes, other.sourcePrefixes)
      && isSameSet(targetProtocols, other.targetProtocols)
      && isSameSet(
        targetFQDNs.map { $0.asciiLowercased },
        other.targetFQDNs.map { $0.asciiLowercased }
      )
      && isSameSet(targetURIs, other.targetURIs)
      && isSameSet(aliasNames, other.aliasNames)
      && bounds(targetPortRanges) == bounds(other.targetPortRanges)
      && bounds(sourcePortRanges) == bounds(other.sourcePortRanges)
      && bounds(sourceICMPTypeRanges) == bounds(other.sourceICMPTypeRanges)
  }
}

extension MitigationScope {
  /// Whether it means all that `other` means, of the sources of IPv4.
  func includes(_ other: MitigationScope) -> Bool {
    for target in other.targetPrefixes where !target.lies(in: targetPrefixes) { return false }
    for source in other.sourcePrefixes
    where source.family == .v4 && !source.lies(in: sourcePrefixes) { return false }
    for number in other.targetProtocols
    where !targetProtocols.isEmpty && !targetProtocols.contains(number) { return false }
    let types = sourceICMPTypeRanges
    return (targetProtocols.isEmpty || !other.targetProtocols.isEmpty)
      && holds(targetPortRanges, other.targetPortRanges)
      && holds(sourcePortRanges, other.sourcePortRanges)
      && (types.isEmpty
        || !other.sourceICMPTypeRanges.isEmpty
          && bounds(types + other.sourceICMPTypeRanges) == bounds(types))
  }
}

private func holds(_ ranges: [PortRange], _ others: [PortRange]) -> Bool {
  ranges.isEmpty || !others.isEmpty && bounds(ranges + others) == bounds(ranges)
}

// Lists are short and nearly always equal already, so that sorting them costs more flash than it
// saves time.
private func isSameSet<Element: Equatable>(_ left: [Element], _ right: [Element]) -> Bool {
  if left == right { return true }
  for element in left where !right.contains(element) { return false }
  for element in right where !left.contains(element) { return false }
  return true
}

private func bounds(_ ranges: [PortRange]) -> [Int] {
  var edges: [Int] = []
  for range in ranges { add(Int(range.lower), Int(range.upper) + 1, to: &edges) }
  return edges
}

private func bounds(_ ranges: [ICMPTypeRange]) -> [Int] {
  var edges: [Int] = []
  for range in ranges { add(Int(range.lower), Int(range.upper) + 1, to: &edges) }
  return edges
}

/// Adds the numbers from `lower` up to but not including `upper` to a set.
///
/// The set is the rising list of the numbers at which membership begins and ends, in pairs.
private func add(_ lower: Int, _ upper: Int, to edges: inout [Int]) {
  var before: [Int] = []
  var after: [Int] = []
  var lower = lower
  var upper = upper
  var index = 0
  while index + 1 < edges.count {
    let (begin, end) = (edges[index], edges[index + 1])
    if end < lower {
      before += [begin, end]
    } else if begin > upper {
      after += [begin, end]
    } else {
      lower = min(lower, begin)
      upper = max(upper, end)
    }
    index += 2
  }
  edges = before + [lower, upper] + after
}
