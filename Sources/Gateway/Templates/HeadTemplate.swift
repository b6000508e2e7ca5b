extension Templates {
    /// Everything above the main part of a page.
    static let head = """
        <!doctype html>
        <html lang="[[language]]">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>{{pageTitle}}{{^isHome}} · {{nodeName}}{{/isHome}}</title>
        {{#summary}}<meta name="description" content="{{.}}"><meta property="og:description" content="{{.}}">{{/summary}}
        {{#canonical}}<link rel="canonical" href="{{.}}"><meta property="og:url" content="{{.}}">{{/canonical}}
        <meta property="og:title" content="{{pageTitle}}">
        <meta property="og:type" content="website">
        <meta property="og:site_name" content="{{nodeName}}">
        {{#preview}}<meta property="og:image" content="{{.}}">{{/preview}}
        <link rel="icon" href="/icon.svg" type="image/svg+xml">
        <link rel="stylesheet" href="/style.css?v={{styleVersion}}">
        <script src="{{pageScript}}" defer></script>{{#script}}<script src="{{.}}" defer></script>{{/script}}
        </head>
        <body>
        <a class="skip" href="#main">[[skip-to-content]]</a>
        <header class="bar">
        <div class="wide-as-main">
        <a class="brand" href="/"{{#isHome}} aria-current="page"{{/isHome}}>\
        <svg viewBox="0 0 64 64" width="28" height="28" aria-hidden="true">\
        <path id="comb" d="M19 5h14l7 12-7 12H19l-7-12zM44 20h14l7 12-7 12H44l-7-12zM19 35h14l7 12-7 12H19l-7-12z" \
        transform="translate(-7)"/></svg><bdi>{{nodeName}}</bdi></a>
        <nav aria-label="[[main]]"><ul class="links">{{#parts}}\
        <li><a href="{{partHref}}"{{#isPartHere}} aria-current="true"{{/isPartHere}}>{{partTitle}}</a></li>{{/parts}}</ul></nav>
        <form class="find" role="search" action="/search" method="get">
        <label class="unseen" for="search">[[search-models-and-creators]]</label>
        <input id="search" type="search" name="q" value="{{searched}}" placeholder="[[search]]" maxlength="200" autocomplete="off">
        <button>[[search]]</button>
        </form>
        <nav aria-label="[[account]]"><ul class="links">{{#memberName}}<li><a href="/publish">[[publish]]</a></li>\
        <li><a href="/account">@{{.}}</a></li>{{/memberName}}{{^memberName}}<li><a href="/signin">[[sign-in]]</a></li>{{/memberName}}</ul></nav>
        </div>
        </header>
        <main id="main">
        {{#notices}}<p class="line" role="note">{{.}}</p>{{/notices}}
        """
}
