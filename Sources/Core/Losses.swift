import Bytes
import Model

/// Clients that have no session, until they count as lost.
struct Losses {
  /// A client without a session.
  struct Loss: Equatable {
    let section: Text
    /// When it counts as lost.
    var due: Instant
    /// What alone is begun then, for which there was no room before; nil: all that is prepared.
    var only: MitigationID?
  }

  private var all: [Loss] = []

  /// When the next client counts as lost.
  var next: Instant? {
    var next: Instant?
    for loss in all { next = min(next ?? loss.due, loss.due) }
    return next
  }

  /// A client has no session; false when its loss is expected already, which comes no later for that.
  mutating func expect(_ section: Text, due: Instant) -> Bool {
    for index in all.indices where all[index].section == section && all[index].only == nil {
      all[index].due = min(all[index].due, due)
      return false
    }
    all.append(Loss(section: section, due: due))
    return true
  }

  /// There was no room for one that a client has prepared: it alone is tried again.
  mutating func retry(_ id: MitigationID, of section: Text, due: Instant) {
    all.append(Loss(section: section, due: due, only: id))
  }

  /// A client has a session.
  mutating func heard(_ section: Text) { all.removeAll { $0.section == section } }

  /// One who counts as lost now.
  mutating func takeDue(_ now: Instant) -> Loss? {
    for index in all.indices where all[index].due <= now { return all.remove(at: index) }
    return nil
  }
}
