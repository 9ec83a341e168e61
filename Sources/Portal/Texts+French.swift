/// The texts in French.
extension Texts {
  static let french: StaticString = """
    Langue
    Appareil en quarantaine
    votre caméra
    votre téléphone ou tablette
    votre ordinateur
    votre téléviseur
    votre imprimante
    un appareil de votre domicile
    Une attaque informatique est menée depuis {}
    En quarantaine : {}
    Pour l’arrêter, cet appareil a été coupé d’Internet. Tout le reste fonctionne normalement \
    chez vous.
    Cet appareil a été coupé d’Internet. Tout le reste fonctionne normalement chez vous.
    L’appareil
    Nom
    Fabricant
    Adresse
    Fin de l’adresse matérielle
    L’appareil a inventé cette adresse matérielle pour protéger la vie privée. Celle imprimée \
    dessus peut être différente.
    Ce qui s’est passé
    Votre fournisseur a signalé une attaque venant de cet appareil.
    Il a été mis en quarantaine sur le routeur lui-même, pas par votre fournisseur.
    Depuis
    Dernière tentative
    Arrêté jusqu’ici
    Ces cinq dernières minutes
    {} paquets
    il y a {}
    j
    h
    min
    Ce qui est bloqué, ce qui marche
    Bloqué : tout Internet, sauf ce qui est indiqué ici.
    Marche : cette page, ainsi que les appels et alarmes des appareils que votre routeur protège.
    Pour les mises à jour et l’aide, il peut encore joindre :
    La quarantaine finit d’elle-même le {} si l’attaque ne continue pas.
    La quarantaine ne finit pas d’elle-même.
    Les appareils de votre domicile peuvent toujours se joindre, celui-ci aussi.
    Comment y remédier
    Débranchez-le dix secondes, puis rebranchez-le.
    Rétablissez les réglages d’usine. Son mode d’emploi dit comment.
    Donnez-lui un nouveau mot de passe, long et utilisé nulle part ailleurs.
    Installez son logiciel le plus récent, uniquement depuis l’appli ou le site du fabricant.
    Dans ses réglages, désactivez l’accès depuis Internet (accès à distance, UPnP).
    Plus de mises à jour ? Alors remplacez l’appareil.
    Faites une analyse complète avec un antivirus à jour.
    Supprimez les applis et programmes inconnus ou inutiles.
    Installez toutes les mises à jour du système et des applis.
    Sur un autre appareil, changez les mots de passe utilisés ici, d’abord messagerie et banque.
    Si cela continue : sauvegardez vos fichiers, puis réinitialisez l’appareil.
    Ensuite, vérifiez à nouveau ci-dessous.
    Détails techniques
    Attaqué
    Protocoles
    Ports
    Signalé par
    Vérifier et libérer
    Vérifier à nouveau
    Libérer maintenant
    Libérations restantes : {}
    J’ai un code de l’assistance
    Code de l’assistance
    Libéré. L’appareil est de nouveau sur Internet. Si l’attaque reprend, il sera de nouveau \
    coupé.
    L’attaque a été vue ces cinq dernières minutes. Suivez d’abord les étapes, puis vérifiez à \
    nouveau.
    Aucune attaque ces cinq dernières minutes. Vous pouvez libérer l’appareil.
    Vous ne pouvez plus le libérer vous-même. Appelez l’assistance et saisissez le code reçu.
    Ce code est faux, déjà utilisé ou trop ancien. Demandez-en un nouveau à l’assistance.
    Cet appareil n’est pas en quarantaine.
    C’était trop rapide. Attendez une minute, puis réessayez.
    Le routeur n’a pas pu le faire. Réessayez dans une minute.
    Cette page était trop ancienne. Rien n’a été changé. Ouvrez-la de nouveau.
    Cette page n’existe pas.
    Le routeur ne peut pas répondre. Réessayez dans une minute.
    Ouvrir la page
    Aide
    Assistance
    Téléphone
    Horaires
    E-mail
    Numéro de dossier
    Cette page est-elle authentique ? Appelez le numéro de votre facture, pas un numéro que l’on \
    vous envoie.
    Ce que votre fournisseur dit de cette page :
    Nous ne demandons ici jamais de mot de passe ni d’argent.
    Une urgence ? Un appel depuis cet appareil peut échouer : prenez un autre téléphone. Les \
    téléphones, alarmes et appareils médicaux que votre routeur protège fonctionnent toujours.
    Ce que sait votre fournisseur
    Votre fournisseur sait qu’une attaque est venue de votre ligne, quand et contre qui. Votre \
    routeur lui dit combien a été arrêté et si l’appareil est libéré, pas ce que vous faites. Le \
    routeur garde ces données jusqu’à la fin de la quarantaine et peu de temps après ; votre \
    fournisseur garde les siennes selon ses règles.
    Votre réseau
    Aucun appareil de votre domicile n’est en quarantaine.
    Un appareil de votre domicile est en quarantaine
    Pour le libérer, ouvrez {} sur cet appareil. S’il n’a pas d’écran, appelez l’assistance avec \
    le numéro de dossier.
    Cet appareil a été libéré le {}. Suivez les étapes si ce n’est pas fait : si l’attaque \
    reprend, il sera de nouveau coupé.
    """
}
