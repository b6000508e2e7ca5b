extension Templates {
    /// A model or an image in a grid.
    static let card = """
        <li class="card">
        <a href="{{href}}">
        {{#picture}}<img src="{{source}}" width="{{width}}" height="{{height}}" alt="{{alt}}" loading="lazy">{{/picture}}
        {{^picture}}<span class="blank" aria-hidden="true"></span>{{/picture}}
        <span class="what{{^isModel}} plainly{{/isModel}}">{{cardTitle}}</span>
        </a>
        <p class="by">{{#badges}}<span class="badge">{{.}}</span> {{/badges}}{{cardAuthor}}</p>
        </li>

        """
}
