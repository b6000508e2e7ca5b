/// The mustache templates of all pages, in the binary: a node is one file to install.
enum Templates {
    static let all = [
        // Frame and parts.
        "head": head, "foot": foot, "card": card, "why": why, "tinted": tinted, "blank": blank, "veil": veil,
        "veiled": veiled, "blurhash": blurhash, "grid": grid,
        "matchrows": matchrows, "invalid": invalid, "pager": pager, "tabs": tabs, "crumb": crumb,
        "people": people, "articlerows": articlerows, "factlist": factlist, "reactionrow": reactionrow,
        "byline": byline, "reviewlist": reviewlist, "commentlist": commentlist, "kin": kin,
        "form": form, "takepart": takepart, "field": field, "fieldattributes": fieldattributes,
        // Pages.
        "home": home, "list": list, "models": models, "model": model, "reviews": reviews, "discussion": discussion,
        "history": history, "ranking": ranking, "image": image, "search": search, "names": names, "hash": hash,
        "creators": creators, "creator": creator, "articles": articles, "article": article, "about": about,
        "rules": rules, "status": status, "help": help, "verify": verify,
        "federation": federation, "buzz": buzz, "currency": currency, "wardens": wardens,
        "wallet": wallet, "final": finalReceipt, "finallist": finallist, "currencynote": currencynote,
        "bounties": bounties, "bounty": bounty, "newbounty": newbounty, "tip": tip,
        "rewards": rewards,
        "generate": generate, "job": job, "jobs": jobs,
        "publish": publish, "publishtop": publishtop, "publishfindings": publishfindings, "publishfiles": publishfiles,
        "publishabout": publishabout, "publishsign": publishsign,
        "metop": metop, "me": me, "mesettings": mesettings, "mekeys": mekeys, "metokens": metokens, "metoken": metoken,
        "meexport": meexport, "memove": memove, "moved": moved, "menews": menews, "melibrary": melibrary,
        "formpage": formpage, "signin": signin, "words": words,
        "desk": desk, "deskform": deskform, "deskfields": deskfields, "setupstep": setupStep, "setupdone": setupDone,
        "report": report, "takedown": takedown, "receipt": receipt, "casestatus": casestatus,
        "transparency": transparency, "queue": queue, "case": moderationCase,
        "level": level, "leveldisputes": levelDisputes, "ownactions": ownActions,
        "error": error, "gate": gate, "setup": setup, "setupcurrency": setupCurrency,
    ]
}
