import ClientCore

/// What a form of the page asks of the client.
enum PageAct {
    /// - Returns: nil for what no form of the page asks.
    static func request(_ form: [String: String]) -> ControlRequest? {
        switch form["act"] {
        case "pause":
            var request = ControlRequest(.pause)
            if let text = form["seconds"], !text.isEmpty {
                guard let seconds = Double(text) else { return nil }
                request.seconds = seconds
            }
            return checked(request)
        case "resume": return ControlRequest(.resume)
        case "new-work":
            var request = ControlRequest(.newWork)
            guard form["allowed"] == "true" || form["allowed"] == "false" else { return nil }
            request.allowed = form["allowed"] == "true"
            return request
        case "suspend-task": return task(.suspendTask, form)
        case "resume-task": return task(.resumeTask, form)
        default: return nil
        }
    }

    private static func task(_ command: ControlRequest.Command, _ form: [String: String]) -> ControlRequest? {
        var request = ControlRequest(command)
        (request.task, request.project) = (form["task"], form["project"])
        return checked(request)
    }

    private static func checked(_ request: ControlRequest) -> ControlRequest? {
        request.problem == nil ? request : nil
    }
}
