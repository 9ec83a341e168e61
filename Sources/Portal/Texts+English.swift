/// The texts in English.
extension Texts {
  static let english: StaticString = """
    Language
    Device in quarantine
    your camera
    your phone or tablet
    your computer
    your television
    your printer
    a device in your home
    Attack traffic is coming from {}
    In quarantine: {}
    To stop it, this device has been cut off from the Internet. Everything else in your home \
    works as usual.
    This device has been cut off from the Internet. Everything else in your home works as usual.
    The device
    Name
    Maker
    Address
    Hardware address ends in
    The device made this hardware address up to protect privacy. It may differ from the one \
    printed on it.
    What happened
    Your provider reported attack traffic from this device.
    It was put in quarantine on the router itself, not by your provider.
    Since
    Last attempt
    Stopped so far
    In the last five minutes
    {} packets
    {} ago
    d
    h
    min
    What is blocked, what works
    Blocked: everything on the Internet but what is listed here.
    Works: this page, and calls and alarms of devices that your router lists as protected.
    For updates and help it still reaches:
    It ends by itself on {} if the attack doesn’t go on.
    It doesn’t end by itself.
    Devices in your home can still reach each other, this one too.
    How to fix it
    Unplug it for ten seconds, then plug it in again.
    Reset it to factory settings. Its manual says how.
    Give it a new, long password that you use nowhere else.
    Install the newest software for it, from the maker’s app or site only.
    Turn off access from the Internet (remote access, UPnP) in its settings.
    Are there no updates any more? Then replace the device.
    Run a full virus scan with a scanner that is up to date.
    Remove apps and programs that you don’t know or don’t need.
    Install all updates of the system and of the apps.
    On another device, change the passwords that you used here, e-mail and bank first.
    If it goes on: save your files, then reset the device.
    Then check again below.
    Technical details
    Attacked
    Protocols
    Ports
    Reported by
    Check and release
    Check again
    Release now
    Releases left: {}
    I have a code from the helpdesk
    Code from the helpdesk
    Released. The device is back on the Internet. If the attack comes back, it is cut off again.
    The attack was seen in the last five minutes. Please do the steps first, then check again.
    No attack was seen in the last five minutes. You can release the device now.
    You can’t release it yourself any more. Please call the helpdesk and enter the code that you \
    get.
    This code is wrong, used or too old. Please ask the helpdesk for a new one.
    This device isn’t in quarantine.
    That was too fast. Please wait a minute, then try again.
    The router couldn’t do it now. Please try again in a minute.
    This page was too old. Nothing was changed. Please open it again.
    There is no such page.
    The router can’t answer now. Please try again in a minute.
    Open the page
    Help
    Helpdesk
    Phone
    Hours
    E-mail
    Case number
    Is this page genuine? Call the number on your provider’s bill, not one that somebody sends \
    you.
    How your provider explains this page:
    We never ask for passwords or money here.
    Emergency? A call from this device may fail: use another phone. Phones, alarms and medical \
    devices that your router lists as protected keep working.
    What your provider knows
    Your provider knows that an attack came from your line, when, and against whom. Your router \
    tells it how much was stopped and whether the device is free again, not what you do. The \
    router keeps these details until the quarantine is over and a short time after; your \
    provider keeps its own as its rules say.
    Your home network
    No device in your home is in quarantine.
    A device in your home is in quarantine
    To release it, open {} on that device. If it has no screen, call the helpdesk with the case \
    number.
    This device was released on {}. Please do the steps if you haven’t yet: if the attack comes \
    back, it is cut off again.
    """
}
