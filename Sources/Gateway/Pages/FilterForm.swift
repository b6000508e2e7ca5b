import Catalog
import WaggleProtocol

/// The values of the column of filters beside a list of models: a form that asks for an address that can be shared.
struct FilterForm {
    private struct OptionView {
        let optionValue: String
        let optionLabel: String
        let isChosen: Bool
    }

    private struct ChoiceView {
        let choiceID: String
        let choiceValue: String
        let choiceLabel: String
        let choiceCount: String?
        let isChosen: Bool
    }

    private struct GroupView {
        let groupName: String
        let groupLabel: String
        let choices: [ChoiceView]
    }

    let filters: ModelFilters
    let facets: [FacetGroup]
    /// Whether the viewer may see more than one level.
    let offersLevels: Bool

    var content: [String: Any] {
        // Tags that boxes stand for are not in the field too.
        let boxes = shown(.tag)?.values.prefix(Limits.Gateway.facetValues) ?? []
        let typed = filters[.tag].filter { typed in !boxes.contains { Self.isSame($0.name, typed) } }
        return [
            "query": filters.text, "creatorText": filters.creator, "tagText": typed.joined(separator: ", "),
            "notText": filters[.not].joined(separator: ", "), "groups": groups,
            "sorts": ModelFilters.Sort.allCases.map {
                OptionView(optionValue: $0.rawValue, optionLabel: $0.label, isChosen: $0 == filters.sort)
            },
            "periods": ModelFilters.Period.allCases.map {
                OptionView(optionValue: $0.rawValue, optionLabel: $0.label, isChosen: $0 == filters.period)
            },
        ]
    }

    private func shown(_ kind: FacetKind) -> FacetGroup? { facets.first { $0.kind == kind } }

    private var groups: [GroupView] {
        var groups = [
            group(.type, say("type"), .type), group(.base, say("base-model"), .baseModel),
            group(.tag, say("tags"), .tag),
            group(.format, say("format"), .format), group(.licence, say("licence-2"), .licence),
        ]
        if offersLevels { groups.append(group(.level, say("level"), .level)) }
        groups.append(
            GroupView(
                groupName: "may", groupLabel: say("allowed"),
                choices: ModelFilters.May.allCases.map { may in
                    ChoiceView(
                        choiceID: "may-\(may.rawValue)", choiceValue: may.rawValue, choiceLabel: may.label,
                        choiceCount: nil, isChosen: filters.has(.may, may.rawValue))
                }))
        return groups.filter { !$0.choices.isEmpty }
    }

    /// The values of a facet, and those chosen that it does not list.
    private func group(_ name: ModelFilters.Name, _ label: String, _ kind: FacetKind) -> GroupView {
        let facet = shown(kind)
        let values = (facet?.values ?? []).prefix(Limits.Gateway.facetValues)
        var choices = values.enumerated().map { index, value in
            ChoiceView(
                choiceID: "\(name.rawValue)-\(index)", choiceValue: value.name, choiceLabel: value.name,
                choiceCount: Wording.count(value.count) + (facet?.isExact == true ? "" : "+"),
                isChosen: isChosen(name, value.name))
        }
        // Typed tags have their field.
        guard name != .tag else { return GroupView(groupName: name.rawValue, groupLabel: label, choices: choices) }
        let others = filters[name].filter { chosen in !values.contains { Self.isSame($0.name, chosen) } }
        choices += others.enumerated().map { index, value in
            ChoiceView(
                choiceID: "\(name.rawValue)-own-\(index)", choiceValue: value, choiceLabel: value, choiceCount: nil,
                isChosen: true)
        }
        return GroupView(groupName: name.rawValue, groupLabel: label, choices: choices)
    }

    private func isChosen(_ name: ModelFilters.Name, _ value: String) -> Bool {
        filters[name].contains { Self.isSame($0, value) }
    }

    /// Filters are compared without regard to case.
    private static func isSame(_ left: String, _ right: String) -> Bool {
        left.lowercased().utf8.elementsEqual(right.lowercased().utf8)
    }
}
