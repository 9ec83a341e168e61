import Bytes
import CoAP
import Report

/// How `cordon-client` ends; scripts rely on the numbers.
public enum ExitStatus: Int32, Hashable, Sendable, CaseIterable {
  case done = 0
  case failed = 1
  case usage = 2
  case unreachable = 3
  case refused = 4
  case notFound = 5
  case conflict = 6
  case timedOut = 7
}

/// How a call ended.
public indirect enum Ending: Error, Hashable, Sendable {
  /// The answer is there.
  case done
  /// The server refused the request.
  case refused(CoAPCode, RefusedRequest)
  /// No session came up, for this reason.
  case unreachable(Text)
  /// The server refused the session, with these words.
  case denied(Text)
  /// No answer came to a request; what to know of that.
  case unanswered(Text)
  /// The server fell silent while it was watched.
  case lost
  /// The user didn't want to wait longer.
  case interrupted
  /// Anything else, in words.
  case failed(Text)

  /// How the program ends.
  public var status: ExitStatus {
    switch self {
    case .done: .done
    case .refused(.conflict, _): .conflict
    case .refused(.notFound, _): .notFound
    case .refused, .denied: .refused
    case .unreachable: .unreachable
    case .unanswered, .lost: .timedOut
    case .interrupted, .failed: .failed
    }
  }

  /// What there is to complain about in one line; empty when all is well.
  public var text: Text {
    switch self {
    case .done: ""
    case .refused(_, let refused): refused.text
    case .unreachable(let reason): reason
    case .denied(let reason): "the server refused the session: " + reason
    case .unanswered(let hint): hint
    case .lost: "the session is lost: the server fell silent"
    case .interrupted: "interrupted before the answer came: the request may have been taken"
    case .failed(let reason): reason
    }
  }

  /// The same as one line of JSON; empty when all is well.
  public var jsonLine: Text {
    switch self {
    case .done: ""
    case .refused(_, let refused): refused.jsonLine
    case .unreachable: failureLine("unreachable", reason: text)
    case .denied: failureLine("denied", reason: text)
    case .unanswered, .lost: failureLine("timed_out", reason: text)
    case .interrupted: failureLine("interrupted", reason: text)
    case .failed: failureLine("failed", reason: text)
    }
  }
}

extension CoAPCode {
  /// The name of a response code that refuses (RFC 7252, Section 12.1.2, and later RFCs); empty for
  /// an unknown one.
  var refusalName: Text {
    switch self {
    case .badRequest: "Bad Request"
    case .unauthorized: "Unauthorized"
    case .badOption: "Bad Option"
    case .forbidden: "Forbidden"
    case .notFound: "Not Found"
    case .methodNotAllowed: "Method Not Allowed"
    case .notAcceptable: "Not Acceptable"
    case .requestEntityIncomplete: "Request Entity Incomplete"
    case .conflict: "Conflict"
    case .preconditionFailed: "Precondition Failed"
    case .requestEntityTooLarge: "Request Entity Too Large"
    case .unsupportedContentFormat: "Unsupported Content-Format"
    case .unprocessableEntity: "Unprocessable Entity"
    case .internalServerError: "Internal Server Error"
    case .serviceUnavailable: "Service Unavailable"
    case .proxyingNotSupported: "Proxying Not Supported"
    case .hopLimitReached: "Hop Limit Reached"
    default: ""
    }
  }
}
