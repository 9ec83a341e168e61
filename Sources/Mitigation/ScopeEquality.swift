import Bytes
import Model

extension MitigationScope {
  /// Whether both ask for the same: lists compare as sets (RFC 9132, Section 4.4.1.3).
  func asksTheSame(as other: MitigationScope) -> Bool {
    self == other || normalised == other.normalised
  }

  /// The same with each list sorted and without repetition, ranges merged.
  private var normalised: MitigationScope {
    var scope = self
    scope.targetPrefixes = sortedOnce(targetPrefixes)
    scope.sourcePrefixes = sortedOnce(sourcePrefixes)
    scope.targetProtocols = sortedOnce(targetProtocols)
    scope.targetFQDNs = sortedOnce(targetFQDNs.map { $0.asciiLowercased })
    scope.targetURIs = sortedOnce(targetURIs)
    scope.aliasNames = sortedOnce(aliasNames)
    scope.targetPortRanges = merged(targetPortRanges)
    scope.sourcePortRanges = merged(sourcePortRanges)
    scope.sourceICMPTypeRanges = merged(sourceICMPTypeRanges)
    return scope
  }
}

private func sortedOnce<Element: Comparable>(_ list: [Element]) -> [Element] {
  if list.count < 2 { return list }
  var result: [Element] = []
  for element in list.sorted() where result.last != element { result.append(element) }
  return result
}

private func merged(_ ranges: [PortRange]) -> [PortRange] {
  if ranges.count < 2 { return ranges }
  return mergedBounds(ranges.map { (Int($0.lower), Int($0.upper)) }).compactMap {
    PortRange(UInt16($0.0), UInt16($0.1))
  }
}

private func merged(_ ranges: [ICMPTypeRange]) -> [ICMPTypeRange] {
  if ranges.count < 2 { return ranges }
  return mergedBounds(ranges.map { (Int($0.lower), Int($0.upper)) }).compactMap {
    ICMPTypeRange(UInt8($0.0), UInt8($0.1))
  }
}

/// Rising ranges with a gap between each, which hold the same numbers.
private func mergedBounds(_ bounds: [(Int, Int)]) -> [(Int, Int)] {
  var result: [(Int, Int)] = []
  for bound in bounds.sorted(by: { $0.0 < $1.0 }) {
    if let last = result.last, bound.0 <= last.1 + 1 {
      result[result.count - 1].1 = max(last.1, bound.1)
    } else {
      result.append(bound)
    }
  }
  return result
}
