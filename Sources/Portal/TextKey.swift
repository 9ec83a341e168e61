/// The texts of the page, in the order of their lines in each language.
///
/// `{}` stands for what is inserted. The kinds of device are worded for the middle of a sentence.
enum TextKey: UInt8, CaseIterable, Sendable {
  case language, title, camera, handset, computer, television, printer, other, headline
  case ownerHeadline, lead, ownerLead, device, name, maker, address, hardware, random, happened
  case reported, byOwner, since, lastSeen, stopped, recent, counts, ago, day, hour, minute, rules
  case blocked, allowed, updates, ends, endless, lan, steps, restart, reset, password, firmware
  case remote, replace, scan, apps, system, accounts, reinstall, then, details, targets, protocols
  case ports, reporter, act, check, release, left, haveCode, code, released, stillActive, quiet
  case noneLeft, wrongCode, notQuarantined, tooSoon, failed, stale, notFound, unavailable, back
  case help, desk, call, openHours, write, caseNumber, genuine, verify, never, emergency, privacy
  case knows, home, clear, others, ask, reminder
}

/// The tables of texts.
enum Texts {
  /// How a theme names them: the keys themselves.
  static let names: StaticString = """
    language
    title
    camera
    handset
    computer
    television
    printer
    other
    headline
    ownerHeadline
    lead
    ownerLead
    device
    name
    maker
    address
    hardware
    random
    happened
    reported
    byOwner
    since
    lastSeen
    stopped
    recent
    counts
    ago
    day
    hour
    minute
    rules
    blocked
    allowed
    updates
    ends
    endless
    lan
    steps
    restart
    reset
    password
    firmware
    remote
    replace
    scan
    apps
    system
    accounts
    reinstall
    then
    details
    targets
    protocols
    ports
    reporter
    act
    check
    release
    left
    haveCode
    code
    released
    stillActive
    quiet
    noneLeft
    wrongCode
    notQuarantined
    tooSoon
    failed
    stale
    notFound
    unavailable
    back
    help
    desk
    call
    openHours
    write
    caseNumber
    genuine
    verify
    never
    emergency
    privacy
    knows
    home
    clear
    others
    ask
    reminder
    """
}
