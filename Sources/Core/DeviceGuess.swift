import Bytes
import Model

extension DeviceKind {
  /// What a device with this name, from this maker, probably is.
  ///
  /// Its name says more than its maker, who may make anything. A guess: it chooses which advice is
  /// shown, nothing else.
  public init(name: Text, vendor: Text) {
    let name = name.asciiLowercased
    let vendor = vendor.asciiLowercased
    for kind in DeviceKind.allCases where kind.isNamed(by: name) || kind.isMaker(name) {
      self = kind
      return
    }
    for kind in DeviceKind.allCases where kind.isMaker(vendor) {
      self = kind
      return
    }
    self = .other
  }

  /// Words in the names of such devices, in lower case.
  private func isNamed(by name: Text) -> Bool {
    switch self {
    case .camera: name.mentions("camera cam ipc ipcam webcam doorbell nvr dvr xvr cctv")
    case .phone: name.mentions("phone android pixel galaxy ipad tablet redmi pad")
    case .computer:
      name.mentions(
        "desktop laptop windows win macbook imac macmini mac thinkpad ideapad notebook chromebook"
          + " ubuntu debian fedora linux pc nas server"
      )
    case .television:
      name.mentions("tv television bravia chromecast firetv roomtv appletv smarttv webos tizen")
    case .printer:
      name.mentions(
        "printer hp npi laserjet officejet deskjet envy pixma ecotank workforce"
      )
    case .other: false
    }
  }

  /// Makers of hardly anything but such devices, in lower case.
  private func isMaker(_ name: Text) -> Bool {
    switch self {
    case .camera:
      name.mentions(
        "hikvision dahua reolink axis foscam amcrest wyze ezviz uniview hanwha vivotek tiandy"
          + " xiongmai lorex swann arlo imou tvt verkada mobotix avigilon"
      )
    case .phone: name.mentions("oneplus oppo vivo fairphone htc nothing tecno infinix")
    case .computer:
      name.mentions(
        "dell lenovo lcfc asustek micro-star giga-byte raspberry synology qnap framework system76"
      )
    case .television: name.mentions("roku vizio hisense tcl tpv skyworth vestel loewe")
    case .printer:
      name.mentions("brother epson canon lexmark kyocera xerox ricoh konica oki")
    case .other: false
    }
  }
}

extension Text {
  /// A keyword of this length or more is found within longer words too: `sarahsiphone`.
  private static let shortestPart = 5

  /// Whether one of the keywords, with a space between each two, is in this text: as a word, whose
  /// ends are where letters meet other bytes, or, a long one, anywhere.
  fileprivate func mentions(_ keywords: Text) -> Bool {
    for keyword in keywords.split(0x20) {
      var start = 0
      while start + keyword.count <= count {
        if matches(keyword, at: start) {
          if keyword.count >= Self.shortestPart { return true }
          if !isLetter(at: start - 1), !isLetter(at: start + keyword.count) { return true }
        }
        start += 1
      }
    }
    return false
  }

  private func matches(_ keyword: Text, at start: Int) -> Bool {
    for index in 0..<keyword.count where bytes[start + index] != keyword.bytes[index] {
      return false
    }
    return true
  }

  private func isLetter(at index: Int) -> Bool {
    index >= 0 && index < count && bytes[index] >= 0x61 && bytes[index] <= 0x7A
  }
}
