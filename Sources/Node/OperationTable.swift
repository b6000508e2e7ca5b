import FoundationEssentials
import Operations

/// Every operation that can be asked for over the home's socket, by name.
enum OperationTable {
    struct Entry: Sendable {
        let run: @Sendable (Data, OperationContext) async throws(OperationError) -> Data
    }

    static let entries: [String: Entry] = {
        var entries: [String: Entry] = [:]
        func add<O: Operation>(_ type: O.Type) {
            entries[O.name] = Entry { request, context async throws(OperationError) in
                guard let operation = try? JSONDecoder().decode(O.self, from: request) else {
                    throw OperationError(
                        .usage,
                        "the request for \"\(O.name)\" is not understood; are client and server of one version?")
                }
                let reply = try await operation.run(in: context)
                guard let data = try? JSONEncoder().encode(reply) else {
                    throw OperationError(.failed, "the reply of \"\(O.name)\" cannot be encoded")
                }
                return data
            }
        }
        add(DraftRelease.self)
        add(PublishRelease.self)
        add(NewAccount.self)
        add(MoveAccount.self)
        add(WriteDump.self)
        add(ImportDump.self)
        add(ListAccounts.self)
        add(SetProfile.self)
        add(SetAccountRole.self)
        add(SetAccountState.self)
        add(ResetPassphrase.self)
        add(NewInvite.self)
        add(NewSetupToken.self)
        add(NewAPIToken.self)
        add(ListAPITokens.self)
        add(RevokeAPIToken.self)
        add(ListKeys.self)
        add(NewKey.self)
        add(RequestKey.self)
        add(ImportKey.self)
        add(ExportKey.self)
        add(RevokeKey.self)
        add(RotateKeys.self)
        add(WriteReview.self)
        add(WriteComment.self)
        add(React.self)
        add(RetractPost.self)
        add(EditCollection.self)
        add(ChangeCollection.self)
        add(ListCollections.self)
        add(ShowCollection.self)
        add(ChangeFollows.self)
        add(ListFollows.self)
        add(ProbePeer.self)
        add(AddPeer.self)
        add(ListPeers.self)
        add(RemovePeer.self)
        add(BlockPeer.self)
        add(UnblockPeer.self)
        add(ApprovePeer.self)
        add(ExportAddresses.self)
        add(PushRelease.self)
        add(AddMirror.self)
        add(ListMirrors.self)
        add(ShowMirrors.self)
        add(PlanMirrors.self)
        add(RunMirrors.self)
        add(PauseMirrors.self)
        add(RemoveMirror.self)
        add(ShowStoreUsage.self)
        add(CollectStore.self)
        add(ScrubStore.self)
        add(BlockSubjects.self)
        add(UnblockSubjects.self)
        add(ListTakedowns.self)
        add(PurgeSubjects.self)
        add(FindInStore.self)
        add(AddLibrary.self)
        add(ScanLibrary.self)
        add(ListLibraries.self)
        add(RemoveLibrary.self)
        add(FindDuplicates.self)
        add(LinkFiles.self)
        add(UnlinkFiles.self)
        add(IdentifyFiles.self)
        add(GetRelease.self)
        add(PlaceRelease.self)
        add(ShowRelease.self)
        add(ListModels.self)
        add(FindPage.self)
        add(VerifyKnown.self)
        add(VerifyRelease.self)
        add(ExportRelease.self)
        add(FoundCurrency.self)
        add(JoinCurrency.self)
        add(AcceptCurrency.self)
        add(ListCurrencies.self)
        add(ShowRules.self)
        add(ResumeCurrency.self)
        add(GatherWitnesses.self)
        add(ShowBalance.self)
        add(TipSubject.self)
        add(GrantBuzz.self)
        add(ShowHistory.self)
        add(AuditCurrency.self)
        add(ExplainFinal.self)
        add(ExportJournal.self)
        add(RepairStore.self)
        add(CreateBackup.self)
        add(ConfirmRestore.self)
        add(RecoverAccount.self)
        add(RenewChannels.self)
        add(Reindex.self)
        add(Status.self)
        add(ListSettings.self)
        return entries
    }()
}
