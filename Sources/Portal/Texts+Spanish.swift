/// The texts in Spanish.
extension Texts {
  static let spanish: StaticString = """
    Idioma
    Dispositivo en cuarentena
    su cámara
    su teléfono o tableta
    su ordenador
    su televisor
    su impresora
    un dispositivo de su casa
    Un ataque informático sale de {}
    En cuarentena: {}
    Para pararlo, este dispositivo se ha desconectado de Internet. Todo lo demás en su casa \
    funciona como siempre.
    Este dispositivo se ha desconectado de Internet. Todo lo demás en su casa funciona como \
    siempre.
    El dispositivo
    Nombre
    Fabricante
    Dirección
    La dirección física acaba en
    El dispositivo inventó esta dirección física para proteger la privacidad. La impresa en él \
    puede ser otra.
    Qué ha pasado
    Su proveedor avisó de un ataque desde este dispositivo.
    Se puso en cuarentena en el propio router, no lo hizo su proveedor.
    Desde
    Último intento
    Parado hasta ahora
    En los últimos cinco minutos
    {} paquetes
    hace {}
    d
    h
    min
    Qué está bloqueado y qué funciona
    Bloqueado: todo Internet salvo lo que se indica aquí.
    Funciona: esta página, y las llamadas y alarmas de los dispositivos que su router protege.
    Para actualizaciones y ayuda todavía llega a:
    Acaba por sí sola el {} si el ataque no sigue.
    No acaba por sí sola.
    Los dispositivos de su casa siguen viéndose entre sí, también este.
    Cómo arreglarlo
    Desenchúfelo diez segundos y vuelva a enchufarlo.
    Restablezca los ajustes de fábrica. Su manual dice cómo.
    Póngale una contraseña nueva y larga que no use en otro sitio.
    Instale su software más reciente, solo desde la app o la web del fabricante.
    En sus ajustes, desactive el acceso desde Internet (acceso remoto, UPnP).
    ¿Ya no hay actualizaciones? Entonces cambie el dispositivo.
    Haga un análisis completo con un antivirus actualizado.
    Quite las apps y programas que no conozca o no necesite.
    Instale todas las actualizaciones del sistema y de las apps.
    En otro dispositivo, cambie las contraseñas que usó aquí, primero correo y banco.
    Si continúa: guarde sus archivos y restablezca el dispositivo.
    Después, compruebe de nuevo abajo.
    Detalles técnicos
    Atacado
    Protocolos
    Puertos
    Avisado por
    Comprobar y liberar
    Comprobar de nuevo
    Liberar ahora
    Liberaciones restantes: {}
    Tengo un código del servicio de ayuda
    Código del servicio de ayuda
    Liberado. El dispositivo vuelve a tener Internet. Si el ataque vuelve, se desconectará otra \
    vez.
    El ataque se vio en los últimos cinco minutos. Siga primero los pasos y compruebe de nuevo.
    No se vio ningún ataque en los últimos cinco minutos. Ya puede liberar el dispositivo.
    Ya no puede liberarlo usted. Llame al servicio de ayuda y escriba el código que reciba.
    Este código es incorrecto, ya se usó o es muy antiguo. Pida otro al servicio de ayuda.
    Este dispositivo no está en cuarentena.
    Demasiado rápido. Espere un minuto e inténtelo de nuevo.
    El router no pudo hacerlo ahora. Inténtelo de nuevo en un minuto.
    Esta página era muy antigua. No se cambió nada. Ábrala de nuevo.
    Esa página no existe.
    El router no puede responder ahora. Inténtelo de nuevo en un minuto.
    Abrir la página
    Ayuda
    Servicio de ayuda
    Teléfono
    Horario
    Correo
    Número de caso
    ¿Es auténtica esta página? Llame al número de la factura de su proveedor, no a uno que le \
    envíe alguien.
    Cómo explica su proveedor esta página:
    Aquí nunca pedimos contraseñas ni dinero.
    ¿Una emergencia? Una llamada desde este dispositivo puede fallar: use otro teléfono. Los \
    teléfonos, alarmas y aparatos médicos que su router protege siguen funcionando.
    Qué sabe su proveedor
    Su proveedor sabe que un ataque salió de su línea, cuándo y contra quién. Su router le dice \
    cuánto se paró y si el dispositivo está libre, no lo que usted hace. El router guarda estos \
    datos hasta que acaba la cuarentena y poco tiempo después; su proveedor guarda los suyos \
    según sus normas.
    Su red
    Ningún dispositivo de su casa está en cuarentena.
    Un dispositivo de su casa está en cuarentena
    Para liberarlo, abra {} en ese dispositivo. Si no tiene pantalla, llame al servicio de ayuda \
    con el número de caso.
    Este dispositivo se liberó el {}. Siga los pasos si aún no lo hizo: si el ataque vuelve, se \
    desconectará otra vez.
    """
}
