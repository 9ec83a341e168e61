import Bytes
import Model

/// The two pages: for the device itself, and for all others.
extension Page {
  /// The page of a device in quarantine; without a token it has no buttons.
  func quarantine(
    _ story: QuarantineStory,
    _ settings: PortalSettings,
    outcome: WishOutcome?,
    token: Text?
  ) {
    begin(.title)
    html.markup("<h1>")
    headline(story)
    html.markup("</h1>")
    banner(outcome)
    paragraph(story.isAttack ? .lead : .ownerLead)
    device(story.device)
    happened(story)
    rules([story], settings)
    steps(story.device.kind, then: true)
    if let token { act(story, outcome, token) }
    help(settings, story.caseNumber)
  }

  /// The page of a device that isn't in quarantine.
  func status(
    _ view: PortalView,
    _ settings: PortalSettings,
    outcome: WishOutcome?,
    address: Text
  ) {
    begin(.home)
    html.markup("<h1>")
    say(view.others.isEmpty ? .clear : .others)
    html.markup("</h1>")
    banner(outcome)
    if let released = view.released {
      html.markup("<p class=\"n\">")
      say(.reminder, date(released))
      html.markup("</p>")
      steps(view.requester?.kind ?? .other, then: false)
    }
    for story in view.others {
      html.markup("<article><h2>")
      headline(story)
      html.markup("</h2>")
      isInArticle = true
      paragraph(story.isAttack ? .lead : .ownerLead)
      device(story.device)
      happened(story)
      steps(story.device.kind, then: false)
      isInArticle = false
      html.markup("</article>")
    }
    if !view.others.isEmpty {
      rules(view.others, settings)
      paragraph(.ask, address)
    }
    help(settings, "")
  }

  /// The two buttons, and the field for a code.
  private func act(_ story: QuarantineStory, _ outcome: WishOutcome?, _ token: Text) {
    heading(.act)
    form("/check?lang=", token)
    button(.check)
    if story.releasesLeft > 0 {
      form("/release?lang=", token)
      button(.release)
      paragraph(.left, Text(decimal: story.releasesLeft))
      html.markup(outcome == .wrongCode ? "<details open><summary>" : "<details><summary>")
      say(.haveCode)
      html.markup("</summary>")
      codeForm(token)
      html.markup("</details>")
    } else {
      if outcome != .noneLeft { paragraph(.noneLeft) }
      codeForm(token)
    }
  }

  private func codeForm(_ token: Text) {
    form("/release?lang=", token)
    html.markup("<label>")
    say(.code)
    html.markup("<input name=\"code\" maxlength=\"48\" autocomplete=\"off\" required></label>")
    button(.release)
  }

  /// Begins a form, which `button` ends.
  private func form(_ action: StaticString, _ token: Text) {
    html.markup("<form method=\"post\" action=\"")
    html.markup(action)
    html.text(language.tag)
    html.markup("\"><input type=\"hidden\" name=\"token\" value=\"")
    html.text(token)
    html.markup("\">")
  }

  private func button(_ key: TextKey) {
    html.markup("<button>")
    say(key)
    html.markup("</button></form>")
  }

  /// Whom to ask, how to know that the page is genuine, and what else everybody must know.
  private func help(_ settings: PortalSettings, _ caseNumber: Text) {
    heading(.help)
    html.markup("<dl>")
    let phone = theme.phone
    if !settings.helpdesk.isEmpty {
      let words = settings.helpdesk.split(0x3A)
      let isShort = words.count == 2 && (words[0] == "tel" || words[0] == "mailto")
      entry(.desk, link: settings.helpdesk, isShort ? words[1] : settings.helpdesk)
    }
    entry(.call, link: "tel:" + Self.dialled(phone), phone)
    entry(.openHours, theme.hours)
    entry(.write, link: "mailto:" + theme.mail, theme.mail)
    entry(.caseNumber, caseNumber)
    html.markup("</dl>")
    paragraph(.genuine)
    if !theme.url.isEmpty {
      html.markup("<p>")
      say(.verify)
      html.markup(" ")
      html.link(theme.url, theme.url)
      html.markup("</p>")
    }
    html.markup("<p><strong>")
    say(.never)
    html.markup("</strong></p><p class=\"n\">")
    say(.emergency)
    html.markup("</p>")
    heading(.privacy)
    paragraph(.knows)
  }

  /// The digits of a number, and its plus.
  private static func dialled(_ phone: Text) -> Text {
    Text(phone.bytes.filter { $0 == 0x2B || $0 >= 0x30 && $0 <= 0x39 })
  }
}
