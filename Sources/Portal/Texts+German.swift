/// The texts in German.
extension Texts {
  static let german: StaticString = """
    Sprache
    Gerät in Quarantäne
    Ihrer Kamera
    Ihrem Telefon oder Tablet
    Ihrem Computer
    Ihrem Fernseher
    Ihrem Drucker
    einem Gerät in Ihrem Zuhause
    Von {} geht ein Angriff aus
    Quarantäne bei {}
    Um ihn zu stoppen, ist dieses Gerät vom Internet getrennt. Alles andere zu Hause \
    funktioniert wie gewohnt.
    Dieses Gerät ist vom Internet getrennt. Alles andere zu Hause funktioniert wie gewohnt.
    Das Gerät
    Name
    Hersteller
    Adresse
    Hardware-Adresse endet auf
    Das Gerät hat diese Hardware-Adresse zum Schutz der Privatsphäre erfunden. Aufgedruckt ist \
    vielleicht eine andere.
    Was passiert ist
    Ihr Anbieter hat Angriffsverkehr von diesem Gerät gemeldet.
    Es wurde am Router selbst in Quarantäne gesetzt, nicht von Ihrem Anbieter.
    Seit
    Letzter Versuch
    Bisher gestoppt
    In den letzten fünf Minuten
    {} Pakete
    vor {}
    T
    Std.
    Min.
    Was gesperrt ist, was geht
    Gesperrt: alles im Internet außer dem, was hier steht.
    Geht: diese Seite sowie Anrufe und Alarme von Geräten, die Ihr Router als geschützt führt.
    Für Updates und Hilfe erreicht es noch:
    Sie endet am {} von selbst, wenn der Angriff nicht weitergeht.
    Sie endet nicht von selbst.
    Geräte bei Ihnen zu Hause erreichen einander weiterhin, auch dieses.
    Was Sie tun können
    Ziehen Sie für zehn Sekunden den Stecker.
    Setzen Sie es auf Werkseinstellungen zurück. Die Anleitung sagt, wie.
    Geben Sie ihm ein neues, langes Passwort, das Sie sonst nirgends verwenden.
    Installieren Sie seine neueste Software, nur aus der App oder von der Seite des Herstellers.
    Schalten Sie in seinen Einstellungen den Zugriff aus dem Internet ab (Fernzugriff, UPnP).
    Gibt es keine Updates mehr? Dann ersetzen Sie das Gerät.
    Lassen Sie einen aktuellen Virenscanner alles prüfen.
    Entfernen Sie Apps und Programme, die Sie nicht kennen oder nicht brauchen.
    Installieren Sie alle Updates des Systems und der Apps.
    Ändern Sie auf einem anderen Gerät die Passwörter, die Sie hier benutzt haben, zuerst E-Mail \
    und Bank.
    Geht es weiter: Sichern Sie Ihre Daten und setzen Sie das Gerät zurück.
    Prüfen Sie danach unten erneut.
    Technische Einzelheiten
    Angegriffen
    Protokolle
    Ports
    Gemeldet von
    Prüfen und freigeben
    Erneut prüfen
    Jetzt freigeben
    Verbleibende Freigaben: {}
    Ich habe einen Code vom Kundendienst
    Code vom Kundendienst
    Freigegeben. Das Gerät ist wieder im Internet. Kommt der Angriff zurück, wird es wieder \
    getrennt.
    Der Angriff war in den letzten fünf Minuten zu sehen. Bitte gehen Sie zuerst die Schritte \
    durch und prüfen Sie dann erneut.
    In den letzten fünf Minuten war kein Angriff zu sehen. Sie können das Gerät jetzt freigeben.
    Sie können es nicht mehr selbst freigeben. Bitte rufen Sie den Kundendienst an und geben Sie \
    den Code ein, den Sie bekommen.
    Dieser Code ist falsch, benutzt oder zu alt. Bitte fragen Sie den Kundendienst nach einem \
    neuen.
    Dieses Gerät ist nicht in Quarantäne.
    Das war zu schnell. Bitte warten Sie eine Minute und versuchen Sie es dann noch einmal.
    Der Router konnte das gerade nicht. Bitte versuchen Sie es in einer Minute noch einmal.
    Diese Seite war zu alt. Nichts wurde geändert. Bitte öffnen Sie sie neu.
    Diese Seite gibt es nicht.
    Der Router kann gerade nicht antworten. Bitte versuchen Sie es in einer Minute noch einmal.
    Seite öffnen
    Hilfe
    Kundendienst
    Telefon
    Zeiten
    E-Mail
    Fallnummer
    Ist diese Seite echt? Rufen Sie die Nummer auf der Rechnung Ihres Anbieters an, keine, die \
    Ihnen jemand schickt.
    Wie Ihr Anbieter diese Seite erklärt:
    Wir fragen hier nie nach Passwörtern oder Geld.
    Notfall? Ein Anruf von diesem Gerät gelingt vielleicht nicht: Nehmen Sie ein anderes \
    Telefon. Telefone, Alarmanlagen und medizinische Geräte, die Ihr Router als geschützt führt, \
    funktionieren weiter.
    Was Ihr Anbieter weiß
    Ihr Anbieter weiß, dass von Ihrem Anschluss ein Angriff ausging, wann und gegen wen. Ihr \
    Router sagt ihm, wie viel gestoppt wurde und ob das Gerät wieder frei ist, nicht, was Sie \
    tun. Der Router behält diese Angaben bis zum Ende der Quarantäne und kurz danach; Ihr \
    Anbieter seine so lange, wie seine Regeln sagen.
    Ihr Heimnetz
    Kein Gerät in Ihrem Zuhause ist in Quarantäne.
    Ein Gerät in Ihrem Zuhause ist in Quarantäne
    Um es freizugeben, öffnen Sie {} auf diesem Gerät. Hat es keinen Bildschirm, rufen Sie den \
    Kundendienst mit der Fallnummer an.
    Dieses Gerät wurde am {} freigegeben. Bitte holen Sie die Schritte nach, falls noch nicht \
    geschehen: Kommt der Angriff zurück, wird es wieder getrennt.
    """
}
